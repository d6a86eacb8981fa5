package kernel

import (
	"os"
	"os/exec"
	"testing"
)

func TestSyscallName(t *testing.T) {
	for _, test := range []struct {
		abi  ABI
		nr   uint32
		want string
	}{
		{AMD64, 0, "read"},
		{AMD64, 59, "execve"},
		{AMD64, 257, "openat"},
		{AMD64, 425, "io_uring_setup"},
		{AMD64, 9999, "syscall_9999"},
		{AMD64, 400, "syscall_400"}, // a hole in the table
		{I386, 295, "ia32:openat"},
		{I386, 11, "ia32:execve"},
		{I386, 5000, "ia32:syscall_5000"},
		{X32, 257, "x32:openat"},
		{X32, 520, "x32:execve"},
		{X32, 0x40000000 | 547, "x32:pwritev2"},
		{X32, 548, "x32:syscall_548"},
		{ARM64, 56, "openat"},
		{ARM64, 221, "execve"},
		{ARM, 322, "arm:openat"},
		{ARM, 0x0f0002, "arm:syscall_983042"},
		{9, 1, "abi9:syscall_1"},
	} {
		if got := SyscallName(test.abi, test.nr); got != test.want {
			t.Errorf("SyscallName(%d, %d) = %q, want %q", test.abi, test.nr, got, test.want)
		}
	}
}

func TestGeneratedTableIsCurrent(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("no go command here")
	}
	want, err := os.ReadFile("zsyscalls.go")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("go", "run", "./gensyscalls").Output()
	if err != nil {
		t.Fatal(err)
	}
	if string(out) != string(want) {
		t.Error("zsyscalls.go is not what `go generate` makes of golang.org/x/sys in go.mod")
	}
}
