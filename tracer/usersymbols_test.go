package tracer

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

const someMaps = `55d0c0000000-55d0c0010000 r--p 00000000 fe:01 4711                       /usr/bin/my app
55d0c0010000-55d0c0020000 r-xp 00010000 fe:01 4711                       /usr/bin/my app (deleted)
7f0000000000-7f0000001000 r-xp 00000000 00:00 0 
7ffc00000000-7ffc00002000 r-xp 00000000 00:00 0                          [vdso]
nonsense
`

func TestReadMaps(t *testing.T) {
	got, err := readMaps(strings.NewReader(someMaps))
	want := []mapping{
		{0x55d0c0010000, 0x55d0c0020000, 0x10000, "/usr/bin/my app"},
		{0x7f0000000000, 0x7f0000001000, 0, ""},
		{0x7ffc00000000, 0x7ffc00002000, 0, "[vdso]"},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
}

func FuzzReadMaps(f *testing.F) {
	f.Add(someMaps)
	f.Fuzz(func(t *testing.T, text string) { _, _ = readMaps(strings.NewReader(text)) })
}

func TestUserSymbols(t *testing.T) {
	pc, _, _, _ := runtime.Caller(0)
	u := newUserSymbols(newELFFiles())
	got := u.frames(uint32(os.Getpid()), []uint64{uint64(pc), uint64(pc), 16})
	for i, f := range got[:2] {
		named := strings.HasSuffix(f.Function, "TestUserSymbols") && strings.HasPrefix(f.Module, "/")
		if !named || f.Address != uint64(pc) {
			t.Errorf("%d: %+v", i, f)
		}
	}
	if got[2].Module != "[unknown]" {
		t.Errorf("%+v", got[2])
	}
}

// A stripped Go program keeps its functions for its own stack traces.
func TestStrippedGoProgram(t *testing.T) {
	strip, err := exec.LookPath("strip")
	if err != nil {
		t.Skip("binutils is not installed")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	stripped := filepath.Join(t.TempDir(), "stripped")
	if out, err := exec.Command(strip, "-o", stripped, self).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	pc, _, _, _ := runtime.Caller(0)
	address := uint64(pc) - base(t)
	name, offset := symbolsOf(t, self).symbol(address)
	again, at := symbolsOf(t, stripped).symbol(address)
	if again != name || at != offset || !strings.HasSuffix(name, "TestStrippedGoProgram") {
		t.Errorf("stripped: %s+%#x, whole: %s+%#x", again, at, name, offset)
	}
}

func symbolsOf(t *testing.T, path string) *elfSymbols {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s, err := readELF(f)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// base returns the address of the file's first byte, if all of it were mapped where its executable segment is.
func base(t *testing.T) uint64 {
	t.Helper()
	data, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	all, err := readMaps(bytes.NewReader(data))
	if err != nil || len(all) == 0 {
		t.Fatalf("%v: %s", err, data)
	}
	return all[0].start - all[0].offset
}

// A process's files are opened in its own root, and only if they are files.
func TestOpenInRoot(t *testing.T) {
	root, outside := t.TempDir(), filepath.Join(t.TempDir(), "secret")
	const want = "of the process"
	write := func(path, content string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	link := func(to, name string) {
		t.Helper()
		if err := os.Symlink(to, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	write(outside, "of the host")
	write(filepath.Join(root, "lib"), want)
	link("/lib", "absolute")
	link(outside, "leads-out")
	link("../../../../../../.."+outside, "climbs-out")
	link("/proc/self/root"+outside, "magic")
	if err := unix.Mkfifo(filepath.Join(root, "fifo"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/lib", "/absolute", "/../lib"} {
		f, id, err := openInRoot(root, path)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		got, err := io.ReadAll(f)
		f.Close()
		if err != nil || string(got) != want || id.size != int64(len(want)) || id.inode == 0 {
			t.Errorf("%s: %q, %v, %+v, want %q", path, got, err, id, want)
		}
	}
	for _, path := range []string{"/leads-out", "/climbs-out", "/magic", "/fifo", "/", "/missing"} {
		if f, _, err := openInRoot(root, path); err == nil {
			t.Errorf("%s was opened", path)
			f.Close()
		}
	}
	if err := unix.Mknod(filepath.Join(root, "device"), unix.S_IFCHR|0o644, int(unix.Mkdev(10, 130))); err != nil {
		t.Skipf("no device node can be made here: %v", err)
	}
	if _, _, err := openInRoot(root, "/device"); !errors.Is(err, errNotRegular) {
		t.Errorf("a device was opened: %v", err)
	}
}

// What lies at a path may change while a process runs: symbols belong to the file that was opened.
func TestSymbolsFollowTheFile(t *testing.T) {
	proc := t.TempDir()
	root := filepath.Join(proc, "7", "root")
	if err := os.MkdirAll(root, 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(path string, data []byte) {
		t.Helper()
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(proc, "7", "maps"), []byte("1000-2000 r-xp 00000000 fe:01 4711 /app\n"))
	files := newELFFiles()
	for _, name := range []string{"first", "second"} {
		os.Remove(filepath.Join(root, "app"))
		write(filepath.Join(root, "app"), withSymbols([]byte("\x00"+name+"\x00"), fn(1, 0x1100, 4)))
		u := newUserSymbols(files)
		u.proc = proc
		if got := u.frames(7, []uint64{0x1102}); got[0].Function != name || got[0].Module != "/app" {
			t.Errorf("%+v, want %s", got, name)
		}
	}
}
