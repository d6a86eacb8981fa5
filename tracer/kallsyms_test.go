package tracer

import (
	"cmp"
	"reflect"
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
		byAddress := func(a, b symbol) int { return cmp.Compare(a.address, b.address) }
		if !slices.IsSortedFunc(k.functions, byAddress) {
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
	for _, c := range []struct {
		hook     string
		in, want []string
	}{
		{
			"bpf_lsm_file_open",
			[]string{"bpf_prog_x", "bpf_trampoline_1", "bpf_lsm_file_open", "security_file_open", "open"},
			[]string{"bpf_lsm_file_open", "security_file_open", "open"},
		},
		{ // the kernel jumped to the trampoline
			"bpf_lsm_file_open",
			[]string{"bpf_prog_x", "bpf_trampoline_1", "security_file_open", "open"},
			[]string{"bpf_lsm_file_open", "security_file_open", "open"},
		},
		{
			"bpf_lsm_x",
			[]string{"bpf_get_stack_raw_tp", "bpf_trampoline_1", "caller"},
			[]string{"bpf_lsm_x", "caller"},
		},
		{"bpf_lsm_x", []string{"bpf_prog_x"}, []string{"bpf_lsm_x"}},
		{
			"security_file_open",
			[]string{"bpf_prog_x", "", "open", "security_outer", "outer"},
			[]string{"security_file_open", "open", "security_outer", "outer"},
		},
		{
			"apparmor_file_open",
			[]string{"bpf_prog_x", "bpf_trampoline_1", "apparmor_file_open", "security_file_open"},
			[]string{"apparmor_file_open", "security_file_open"},
		},
		{
			"apparmor_file_open",
			[]string{"bpf_prog_x", "bpf_trampoline_1", "security_file_open", "open"},
			[]string{"security_file_open", "open"},
		},
		{"apparmor_file_open", []string{"bpf_prog_x"}, []string{"bpf_prog_x"}},
	} {
		hook := profile.Frame{Function: c.hook}
		if got := fromHook(frames(c.in...), hook); !reflect.DeepEqual(got, frames(c.want...)) {
			t.Errorf("%s: %v: %v, want %v", c.hook, c.in, got, c.want)
		}
	}
}
