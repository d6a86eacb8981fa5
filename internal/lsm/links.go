package lsm

import (
	"errors"
	"fmt"
	"time"

	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// EachLink calls fn for every BPF link of this machine, oldest first. The link is closed after fn returns. A link that is still being
// created cannot be opened (EAGAIN): EachLink waits for it, up to 5 s.
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

// LinkIDs lists the ids of all links, oldest first.
func LinkIDs() (ids []link.ID, err error) {
	err = EachLink(func(id link.ID, _ link.Link) { ids = append(ids, id) })
	return ids, err
}

// HasNewer reports whether a link was created after the last of ids. Unlike [LinkIDs] it takes one syscall. Link ids grow until they
// wrap at 2^31.
func HasNewer(ids []link.ID) bool {
	it := new(link.Iterator)
	defer it.Close()
	if len(ids) > 0 {
		it.ID = ids[len(ids)-1]
	}
	return it.Next() || it.Err() != nil
}

// Busiest returns how many trampoline programs the function has that has most of them. Before Linux 5.13 links do not say what they
// are attached to, and Busiest returns 0.
func Busiest() (int, error) {
	type function struct{ object, btf uint32 }
	programs, most := map[function]int{}, 0
	err := EachLink(func(_ link.ID, l link.Link) {
		info, err := l.Info()
		if err != nil {
			return // detached since it was listed
		}
		tracing := info.Tracing()
		if tracing == nil || tracing.TargetBtfId == 0 {
			return
		}
		f := function{uint32(tracing.TargetObjectId), uint32(tracing.TargetBtfId)}
		programs[f]++
		most = max(most, programs[f])
	})
	return most, err
}
