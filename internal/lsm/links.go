package lsm

import (
	"errors"
	"fmt"
	"os"
	"time"
	"unsafe"

	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// EachLink calls fn for every BPF link of this machine, oldest first. The link is closed after fn returns. EachLink
// waits for a link that is still being created (EAGAIN), up to 5 s. It skips links that an LSM keeps from being
// opened, and returns their ids.
func EachLink(fn func(link.ID, link.Link)) (refused []link.ID, err error) {
	const patience, pause = 5 * time.Second, 5 * time.Millisecond
	deadline := time.Now().Add(patience)
	for id, err := nextLink(0); ; id, err = nextLink(id) {
		if errors.Is(err, os.ErrNotExist) {
			return refused, nil
		}
		if err != nil {
			return refused, fmt.Errorf("list BPF links: %w. Run as root, or with CAP_SYS_ADMIN", err)
		}
		l, err := link.NewFromID(id)
		for errors.Is(err, unix.EAGAIN) && time.Now().Before(deadline) {
			time.Sleep(pause)
			l, err = link.NewFromID(id)
		}
		switch {
		case err == nil:
			fn(id, l)
			l.Close()
		case errors.Is(err, os.ErrPermission):
			refused = append(refused, id)
		case !errors.Is(err, os.ErrNotExist): // else it was detached meanwhile
			return refused, fmt.Errorf("open BPF link %d: %w", id, err)
		}
	}
}

// LinkIDs lists the ids of all links, oldest first.
func LinkIDs() (ids []link.ID, err error) {
	for id, err := nextLink(0); ; id, err = nextLink(id) {
		if errors.Is(err, os.ErrNotExist) {
			return ids, nil
		}
		if err != nil {
			return ids, fmt.Errorf("list BPF links: %w. Run as root, or with CAP_SYS_ADMIN", err)
		}
		ids = append(ids, id)
	}
}

// HasNewer reports whether a link was created after the last of ids. Unlike [LinkIDs] it takes one syscall. Link ids
// grow until they wrap at 2^31.
func HasNewer(ids []link.ID) bool {
	var last link.ID
	if len(ids) > 0 {
		last = ids[len(ids)-1]
	}
	_, err := nextLink(last)
	return err == nil
}

// nextLink returns the id of the first link after id. Unlike a [link.Iterator] it does not open the link. It returns
// an error that matches os.ErrNotExist after the last one.
func nextLink(id link.ID) (link.ID, error) {
	attr := struct{ start, next, flags uint32 }{start: uint32(id)}
	_, _, errno := unix.Syscall(unix.SYS_BPF,
		unix.BPF_LINK_GET_NEXT_ID, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	if errno != 0 {
		return 0, errno
	}
	return link.ID(attr.next), nil
}

// Function identifies what trampoline programs are attached to: a kernel function, or a BPF program. The zero value is
// what links of Linux before 5.13 say.
type Function struct{ object, btf uint32 }

// Trampolines counts the trampoline programs on each function, and says on which one each link is. It leaves out links
// that do not say what they are attached to, as those of Linux before 5.13.
func Trampolines() (programs map[Function]int, functions map[link.ID]Function, err error) {
	programs, functions = map[Function]int{}, map[link.ID]Function{}
	_, err = EachLink(func(id link.ID, l link.Link) {
		info, err := l.Info()
		if err != nil {
			return // detached since it was listed
		}
		tracing := info.Tracing()
		if tracing == nil || tracing.TargetBtfId == 0 {
			return
		}
		f := Function{uint32(tracing.TargetObjectId), uint32(tracing.TargetBtfId)}
		programs[f]++
		functions[id] = f
	})
	return programs, functions, err
}

// Busiest returns the largest number of trampoline programs on any one function, or 0 before Linux 5.13.
func Busiest() (most int, err error) {
	programs, _, err := Trampolines()
	for _, n := range programs {
		most = max(most, n)
	}
	return most, err
}
