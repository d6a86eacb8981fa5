package kernel

import (
	"os"
	"syscall"
	"testing"
)

func TestMountNamespaceIsItsInode(t *testing.T) {
	var info syscall.Stat_t
	if err := syscall.Stat("/proc/self/ns/mnt", &info); err != nil {
		t.Fatal(err)
	}
	if got, err := MountNamespace("/proc/self"); err != nil || uint64(got) != info.Ino {
		t.Errorf("%d, %v, want %d", got, err, info.Ino)
	}
	if _, err := MountNamespace("/proc/nobody"); !os.IsNotExist(err) {
		t.Errorf("missing process: %v, want an error that it does not exist", err)
	}
}

func TestKnownSyscall(t *testing.T) {
	for name, want := range map[string]bool{
		SyscallName(Native(), 5): true, SyscallName(Compat(), 5): true, "x32:ioctl": true,
		"[io_uring]": true, "syscall_999": true,
		"opneat": false, "": false, "[unknown 0x0]": false,
	} {
		if got := KnownSyscall(name); got != want {
			t.Errorf("%q: %v, want %v", name, got, want)
		}
	}
}
