package vmtest

import (
	"slices"
	"testing"
)

func TestLibraries(t *testing.T) {
	const ldd = `	linux-vdso.so.1 (0x00007f857a8dd000)
	libtinfo.so.6 => /lib/x86_64-linux-gnu/libtinfo.so.6 (0x00007f857a794000)
	libgone.so => not found
	/lib64/ld-linux-x86-64.so.2 (0x00007f857a8df000)
`
	want := []string{"/lib/x86_64-linux-gnu/libtinfo.so.6", "/lib64/ld-linux-x86-64.so.2"}
	if got := libraries(ldd); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestMissingCommand(t *testing.T) {
	if _, err := Command("no-such-command-here"); err == nil {
		t.Error("no error")
	}
}
