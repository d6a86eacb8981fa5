package tracer

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/lsmprof/lsmprof/profile"
)

// testCode has two programs, of which each has a subprogram, one that either may tail-call, one that only the first
// may, and lsmprof's probes.
func testCode() *code {
	c := &code{}
	add := func(id ebpf.ProgramID, name string, own bool, tailOf []ebpf.ProgramID, starts ...uint64) {
		p := &codeProgram{id: id, name: name, own: own, tailOf: tailOf}
		var functions []codeFunction
		for i, start := range starts {
			f := codeFunction{start: start, end: start + 100, program: p, main: i == 0, name: name}
			if i > 0 {
				f.name = fmt.Sprintf("%s_sub%d", name, i)
			}
			f.lines = []codeLine{{start, "a.c", 10 * (i + 1)}, {start + 50, "a.c", 10*(i+1) + 5}}
			functions = append(functions, f)
		}
		c.add(p, functions)
	}
	add(1, "one", false, nil, 1000, 1200)
	add(2, "two", false, nil, 2000, 2200)
	add(3, "either", false, []ebpf.ProgramID{1, 2}, 3000)
	add(4, "mine", false, []ebpf.ProgramID{1}, 4000)
	add(9, "probe", true, nil, 9000)
	return c
}

// Addresses outside of all programs.
const (
	helper     = 100_000
	loop       = 100_010
	trampoline = 100_020
	hook       = 100_030
)

func TestInsides(t *testing.T) {
	names := map[uint64]string{helper: "helper", loop: "bpf_loop", trampoline: "trampoline", hook: "hook"}
	kernel := func(address uint64) profile.Code {
		if name, ok := names[address]; ok {
			return profile.Code{Function: name}
		}
		return profile.Code{Function: names[address+1]} // a return address
	}
	for name, test := range map[string]struct {
		stack []uint64 // innermost first
		want  string
	}{
		"in a line":                    {[]uint64{1060, trampoline, 1005, hook}, "1: one:15"},
		"first line":                   {[]uint64{1005, trampoline, 1005, hook}, "1: one:10"},
		"a return address is one less": {[]uint64{helper, 1050, trampoline, 1009}, "1: helper < one:10"},
		"in a helper":                  {[]uint64{helper, 1051, trampoline, 1009}, "1: helper < one:15"},
		"in a subprogram":              {[]uint64{1210, 1060, trampoline, 1005}, "1: one_sub1:20 < one:15"},
		"in a callback": {
			[]uint64{1210, loop, 1060, trampoline, 1005},
			"1: one_sub1:20 < bpf_loop < one:15",
		},
		"in what a callback called": {
			[]uint64{helper, 1210, loop, 1060, trampoline, 1005},
			"1: helper < one_sub1:20 < bpf_loop < one:15",
		},
		"in a probe":             {[]uint64{9010, trampoline, 1005, hook}, "1: "},
		"in a helper of a probe": {[]uint64{helper, 9010, trampoline, 1005, hook}, "1: "},
		"in the trampoline":      {[]uint64{trampoline, 1005, hook}, "1: "},
		"arm64":                  {[]uint64{1060, trampoline, 1012, hook}, "1: one:15"},
		"tail call":              {[]uint64{3060, trampoline, 1005, hook}, "1: either:15"},
		"tail call by the other": {
			[]uint64{helper, 3060, trampoline, 2005, hook},
			"2: helper < either:15",
		},
		"one in another": {
			[]uint64{2060, trampoline, 2005, hook, 1060, trampoline, 1005},
			"2: two:15, 1: hook < one:15",
		},
		"probe in another": {
			[]uint64{9010, trampoline, 2005, hook, 1060, trampoline, 1005},
			"2: , 1: hook < one:15",
		},

		"no probe": {[]uint64{1060, trampoline, hook}, "1: one:15"},
		"no probe, helper of a subprogram": {
			[]uint64{helper, 1210, 1060, trampoline, hook},
			"1: helper < one_sub1:20 < one:15",
		},
		"no probe, tail call":           {[]uint64{4060, trampoline, hook}, "1: mine:15"},
		"no probe, tail call of either": {[]uint64{3060, trampoline, hook}, ""},
		"no probe, one in another": {
			[]uint64{2060, trampoline, hook, 1060, trampoline},
			"2: two:15, 1: trampoline < hook < one:15",
		},
		"no program":                        {[]uint64{helper, trampoline, hook}, ""},
		"no probe on the program, but near": {[]uint64{9010, trampoline, hook}, ""},
		"empty":                             {nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, in := range testCode().insides(test.stack, kernel) {
				var path []string
				for _, c := range in.path {
					s := c.Function
					if c.Line > 0 {
						s += fmt.Sprintf(":%d", c.Line)
					}
					path = append(path, s)
				}
				got = append(got, fmt.Sprintf("%d: %s", in.program, strings.Join(path, " < ")))
			}
			if got := strings.Join(got, ", "); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestForgottenProgramIsNotFound(t *testing.T) {
	c := testCode()
	if f := c.place(1010); f == nil || f.program.id != 1 {
		t.Fatalf("1010 is in %v", f)
	}
	c.remove(1)
	if f := c.place(1010); f != nil {
		t.Errorf("1010 is in %s, which was removed", f.name)
	}
	if first, length := c.bounds(); first != 2000 || length != 7100 {
		t.Errorf("bounds %d + %d, want 2000 + 7100", first, length)
	}
	if first, length := (&code{}).bounds(); first != 0 || length != 0 {
		t.Errorf("bounds of no program: %d + %d", first, length)
	}
}

func TestSourcePath(t *testing.T) {
	for name, want := range map[string]string{
		"./enforcer.bpf.c":             "enforcer.bpf.c",
		"/build/varmor/bpf/file.c":     "build/varmor/bpf/file.c",
		"/build/x/../include/a.h":      "build/include/a.h",
		"../../../../etc/passwd":       "etc/passwd",
		"a//b/./c.h":                   "a/b/c.h",
		"..":                           "",
		"/usr/include/bpf/bpf_core.h":  "usr/include/bpf/bpf_core.h",
		"a\x1b[2J\nb\xff/\u202e.c":     "a?[2J?b?/?.c",
		`..\..\x.c`:                    "..?..?x.c",
		strings.Repeat("é", 300):       strings.Repeat("é", maxSourceName) + "…",
		strings.Repeat("d/", 99) + "f": strings.Repeat("d/", maxSourceParts-1) + "f",
	} {
		if got := sourcePath(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

// FuzzDecodeLineSample checks that no record makes the decoder read beyond it.
func FuzzDecodeLineSample(f *testing.F) {
	whole := make([]byte, lineSampleSize+16)
	whole[14] = 16
	f.Add(whole)
	f.Add(whole[:lineSampleSize])
	f.Add(append(whole, 0, 0, 0, 0))
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, ok := decodeLineSample(raw)
		if ok && lineSampleSize+8*len(s.stack) > len(raw) {
			t.Errorf("%d addresses in %d bytes", len(s.stack), len(raw))
		}
	})
}

func TestLineRingHoldsTwoPolls(t *testing.T) {
	for hz, want := range map[int]int{1: minRing, 997: 128 << 10, 20_000: 2 << 20, 100_000: maxRing} {
		if got := lineRing(hz); got != want {
			t.Errorf("%d Hz: %d KiB, want %d", hz, got>>10, want>>10)
		}
	}
}
