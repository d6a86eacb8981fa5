package tracer

import (
	"errors"
	"fmt"
	"time"

	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// EachLink calls fn for every BPF link of this machine. A link that is just being made cannot be opened yet (EAGAIN): it is
// waited for.
func EachLink(fn func(link.ID, link.Link)) error {
	const patience, pause = 5 * time.Second, 5 * time.Millisecond
	deadline := time.Now().Add(patience)
	var last link.ID
	for {
		it := &link.Iterator{ID: last}
		for it.Next() {
			last = it.ID
			fn(it.ID, it.Link)
		}
		err := it.Err()
		it.Close()
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, unix.EAGAIN) || time.Now().After(deadline):
			return fmt.Errorf("list BPF links: %w; run as root, or with CAP_SYS_ADMIN", err)
		}
		time.Sleep(pause)
	}
}

// linkIDs lists the links, oldest first.
func linkIDs() (ids []link.ID, err error) {
	err = EachLink(func(id link.ID, _ link.Link) { ids = append(ids, id) })
	return ids, err
}

// newerLink says whether a link was made after the last of ids. Link ids grow until they wrap at 2^31.
func newerLink(ids []link.ID) bool {
	it := new(link.Iterator)
	defer it.Close()
	if len(ids) > 0 {
		it.ID = ids[len(ids)-1]
	}
	return it.Next() || it.Err() != nil
}
