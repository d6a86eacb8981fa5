package tracer

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/lsmprof/lsmprof/profile"
)

const symbols = `ffffffff81000000 T _stext
ffffffff81000100 t do_it
ffffffff81000100 T alias_of_do_it
ffffffff81000200 D data
0000000000000000 A hidden
ffffffffc0000000 t nft_do_chain	[nf_tables]
ffffffffc0100000 t bpf_prog_6deef7357e7b4530_probe	[bpf]
not a symbol
`

func TestKallsyms(t *testing.T) {
	k, err := readKallsyms(strings.NewReader(symbols))
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[uint64]string{
		0xffffffff81000150: "do_it+0x50",
		0xffffffff81000100: "_stext+0x100", // a call at the very end of _stext returns there
		0xffffffffc0000010: "nft_do_chain+0x10 ([nf_tables])",
		0x10:               "[kernel]+0x10",
	} {
		if got := k.frame(address).String(); got != want {
			t.Errorf("%#x: %s, want %s", address, got, want)
		}
	}
}

func FuzzReadKallsyms(f *testing.F) {
	f.Add(symbols, uint64(0xffffffff81000150))
	f.Fuzz(func(t *testing.T, text string, address uint64) {
		k, err := readKallsyms(strings.NewReader(text))
		if err != nil {
			return
		}
		if !slices.IsSorted(k.addresses) || len(k.names) != len(k.addresses) || len(k.modules) != len(k.addresses) {
			t.Errorf("%+v", k)
		}
		_ = k.frame(address).String()
	})
}

func TestStackBeginsAtTheHook(t *testing.T) {
	frames := func(names ...string) (out []profile.Frame) {
		for _, n := range names {
			out = append(out, profile.Frame{Function: n})
		}
		return out
	}
	for _, c := range []struct{ in, want []string }{
		{[]string{"bpf_prog_x", "bpf_trampoline_1", "bpf_lsm_file_open", "security_file_open", "open"}, []string{"bpf_lsm_file_open", "security_file_open", "open"}},
		{[]string{"bpf_prog_x", "", "security_file_open", "open"}, []string{"security_file_open", "open"}},
		{[]string{"bpf_get_stack_raw_tp", "bpf_trampoline_1", "caller"}, []string{"caller"}},
		{[]string{"bpf_prog_x"}, []string{"bpf_prog_x"}},
	} {
		if got := fromHook(frames(c.in...)); !reflect.DeepEqual(got, frames(c.want...)) {
			t.Errorf("%v: %v, want %v", c.in, got, c.want)
		}
	}
}

const someMaps = `55d0c0000000-55d0c0010000 r--p 00000000 fe:01 4711                       /usr/bin/my app
55d0c0010000-55d0c0020000 r-xp 00010000 fe:01 4711                       /usr/bin/my app (deleted)
7f0000000000-7f0000001000 r-xp 00000000 00:00 0 
7ffc00000000-7ffc00002000 r-xp 00000000 00:00 0                          [vdso]
nonsense
`

func TestReadMaps(t *testing.T) {
	got, err := readMaps(strings.NewReader(someMaps))
	want := []mapping{
		{0x55d0c0010000, 0x55d0c0020000, 0x10000, "/usr/bin/my app", "fe:01/4711"},
		{0x7f0000000000, 0x7f0000001000, 0, "", "00:00/0"},
		{0x7ffc00000000, 0x7ffc00002000, 0, "[vdso]", "00:00/0"},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
}

func FuzzReadMaps(f *testing.F) {
	f.Add(someMaps)
	f.Fuzz(func(t *testing.T, text string) { _, _ = readMaps(strings.NewReader(text)) })
}

// Our own functions are found in our own memory, also in a stripped copy of us.
func TestUserSymbols(t *testing.T) {
	pc, _, _, _ := runtime.Caller(0)
	u := newUserSymbols(newELFFiles())
	got := u.frames(uint32(os.Getpid()), []uint64{uint64(pc), uint64(pc), 16})
	for i, f := range got[:2] {
		if !strings.HasSuffix(f.Function, "TestUserSymbols") || !strings.HasPrefix(f.Module, "/") || f.Address != uint64(pc) {
			t.Errorf("%d: %+v", i, f)
		}
	}
	if got[2].Module != "[unknown]" {
		t.Errorf("%+v", got[2])
	}
	strip, err := exec.LookPath("strip")
	if err != nil {
		t.Skip("no strip here")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	stripped := filepath.Join(t.TempDir(), "stripped")
	if out, err := exec.Command(strip, "-o", stripped, self).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	s, err := readELF(stripped)
	if err != nil {
		t.Fatal(err)
	}
	exe, err := readELF(self)
	if err != nil {
		t.Fatal(err)
	}
	name, offset := exe.symbol(got[0].Address - base(t))
	if again, at := s.symbol(got[0].Address - base(t)); again != name || at != offset || name == "" {
		t.Errorf("stripped: %s+%#x, whole: %s+%#x", again, at, name, offset)
	}
}

// base is where our executable segment would be if its file began there.
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
