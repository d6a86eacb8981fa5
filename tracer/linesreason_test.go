package tracer_test

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/enforcer/lookalike"
	"github.com/lsmprof/lsmprof/internal/lsm"
	"github.com/lsmprof/lsmprof/internal/vmtest"
	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

// Without line information, the result has functions or no samples, with the reason. A hardened JIT loses nothing.
// Without BTF a program cannot be probed at all, at least where probes sit on programs.
func TestProgramsWithoutLines(t *testing.T) {
	if !vmtest.Guest(t).AtLeast(5, 18) {
		t.Skip("expects probes on programs")
	}
	vmtest.OnOneKernel(t)
	all := []string{"global_function", "sections", "subprogram"}
	for _, test := range []struct {
		name      string
		sysctl    string // that is set to 2
		strip     func(*asm.Instruction)
		functions []string // with samples
		lines     bool
		reason    string
		refused   string // what Start says
	}{
		{name: "hardened JIT", sysctl: "net/core/bpf_jit_harden", functions: all, lines: true},
		{
			name: "no line information", functions: all, reason: "no line information",
			strip: func(i *asm.Instruction) { *i = i.WithSource(nil) },
		},
		{
			name: "no BTF", refused: "cannot be probed without BTF",
			strip: func(i *asm.Instruction) { *i = btf.WithFuncMetadata(i.WithSource(nil), nil) },
		},
		{name: "hidden addresses", sysctl: "kernel/kptr_restrict", reason: "kernel.kptr_restrict"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.sysctl != "" {
				setSysctl(t, "/proc/sys/"+test.sysctl, "2")
			}
			call := attachStripped(t, test.strip)
			tr, err := tracer.Start(context.Background(), tracer.Options{Lines: 400})
			if test.refused != "" {
				if err == nil || !strings.Contains(err.Error(), test.refused) {
					t.Errorf("%v, want an error: %s", err, test.refused)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer tr.Close()
			var got []string
			var c profile.Costs
			rounds := 100
			if test.functions == nil {
				rounds = 3
			}
			for range rounds {
				callFor(100*time.Millisecond, call)
				var s profile.Snapshot
				c = costsSince(t, tr, &s)
				if got = functionsIn(t, &c, test.lines); slices.Equal(got, test.functions) {
					break
				}
			}
			if !slices.Equal(got, test.functions) {
				t.Errorf("samples in %q, want %q", got, test.functions)
			}
			reason := ""
			for _, p := range c.Lines(nil) {
				reason = p.Without
			}
			for _, w := range c.Warnings() {
				if strings.Contains(w.Text, "no sample can be in 1 program") {
					reason = w.Text
				}
			}
			if (reason == "") != (test.reason == "") || !strings.Contains(reason, test.reason) {
				t.Errorf("reason %q, want %q", reason, test.reason)
			}
		})
	}
}

// functionsIn returns the functions with samples, and checks whether their lines are known.
func functionsIn(t *testing.T, c *profile.Costs, lines bool) (names []string) {
	t.Helper()
	for _, p := range c.Lines(nil) {
		for _, l := range p.Lines {
			if (l.Code.File != "") != lines {
				t.Fatalf("%s: file %q, want one: %v", l.Code.Function, l.Code.File, lines)
			}
			names = append(names, l.Code.Function)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// attachStripped attaches a program of sections.bpf.c after something was taken from its instructions.
func attachStripped(t *testing.T, strip func(*asm.Instruction)) (call func()) {
	t.Helper()
	spec, err := lookalike.LoadSections()
	if err != nil {
		t.Fatal(err)
	}
	program := spec.Programs["sections"]
	for i := range program.Instructions {
		if strip != nil {
			strip(&program.Instructions[i])
		}
	}
	prog, err := lsm.Load(program)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { prog.Close() })
	l, err := link.AttachLSM(link.LSMOptions{Program: prog})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	self := uintptr(unix.Getpid())
	return func() { unix.RawSyscall(unix.SYS_GETSID, self, 0, 0) }
}

// setSysctl sets a value until the end of the test.
func setSysctl(t *testing.T, path, value string) {
	t.Helper()
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(value), 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.WriteFile(path, before, 0) })
}
