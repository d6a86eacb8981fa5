package vmtest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// KernelIDs returns the BPF programs, maps and links in the kernel, such as "program 7".
func KernelIDs(t testing.TB) []string {
	t.Helper()
	var ids []string
	for id, err := ebpf.ProgramGetNextID(0); err == nil; id, err = ebpf.ProgramGetNextID(id) {
		ids = append(ids, fmt.Sprint("program ", id))
	}
	for id, err := ebpf.MapGetNextID(0); err == nil; id, err = ebpf.MapGetNextID(id) {
		ids = append(ids, fmt.Sprint("map ", id))
	}
	links, err := linkIDs()
	for errors.Is(err, unix.EAGAIN) { // a link is being attached
		links, err = linkIDs()
	}
	if err != nil {
		t.Fatal(err)
	}
	return append(ids, links...)
}

func linkIDs() (ids []string, _ error) {
	it := new(link.Iterator)
	defer it.Close()
	for it.Next() {
		ids = append(ids, fmt.Sprint("link ", it.ID))
	}
	return ids, it.Err()
}

// patience is long enough for an emulated guest on a busy host. Only a test that fails waits that long.
const patience = 5 * time.Minute

// WaitFor waits until holds returns true, for five minutes at most.
func WaitFor(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for start := time.Now(); !holds(); time.Sleep(50 * time.Millisecond) {
		if time.Since(start) > patience {
			t.Fatalf("waited %v for %s", patience, what)
		}
	}
}

// NothingNew waits until all BPF objects in the kernel are among those of before. The kernel frees objects in the
// background; ids are not reused.
func NothingNew(t testing.TB, before []string) {
	t.Helper()
	var left []string
	gone := func() bool {
		left = slices.DeleteFunc(KernelIDs(t), func(id string) bool { return slices.Contains(before, id) })
		return len(left) == 0
	}
	for start := time.Now(); !gone(); time.Sleep(100 * time.Millisecond) {
		if time.Since(start) > patience {
			t.Errorf("left in the kernel: %v", left)
			return
		}
	}
}
