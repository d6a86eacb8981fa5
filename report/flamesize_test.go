package report

import (
	"strings"
	"testing"

	pprof "github.com/google/pprof/profile"
)

// stacked returns a profile with these stacks, root first.
func stacked(values map[string]int64) *pprof.Profile {
	p := &pprof.Profile{SampleType: []*pprof.ValueType{{Type: "syscall_time", Unit: "nanoseconds"}}}
	m := &pprof.Mapping{ID: 1, File: "vArmor"}
	p.Mapping = []*pprof.Mapping{m}
	byName := map[string]*pprof.Location{}
	for stack, v := range values {
		s := &pprof.Sample{Value: []int64{v}, Label: map[string][]string{"test": {stack}}}
		for _, name := range strings.Split(stack, ";") {
			if byName[name] == nil {
				f := &pprof.Function{ID: uint64(len(p.Function) + 1), Name: name}
				byName[name] = &pprof.Location{
					ID: f.ID, Mapping: m, Line: []pprof.Line{{Function: f}},
				}
				p.Function, p.Location = append(p.Function, f), append(p.Location, byName[name])
			}
			s.Location = append([]*pprof.Location{byName[name]}, s.Location...)
		}
		p.Sample = append(p.Sample, s)
	}
	return p
}

// Lines, helpers and thin system calls are most of the stacks of a run. The embedded graphs fold them; no time is lost.
func TestEmbeddedFlameGraphsAreSmall(t *testing.T) {
	p, err := simplified(stacked(map[string]int64{
		"test.a;syscall.openat;hook.file_open;program.p;function.f;line.x.c:1":          1000,
		"test.a;syscall.openat;hook.file_open;program.p;function.f;line.x.c:2;helper.h": 2000,
		"test.a;syscall.openat;hook.file_open;program.p;kernel.dispatch":                500,
		"test.a;syscall.brk;kernel.without hooks":                                       2,
		"test.a;syscall.close;kernel.without hooks":                                     1,
	}))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int64{}
	for _, s := range p.Sample {
		var names []string
		for _, l := range s.Location {
			names = append([]string{l.Line[0].Function.Name}, names...)
		}
		got[strings.Join(names, ";")] += s.Value[0]
	}
	for stack, ns := range map[string]int64{
		"test.a;syscall.openat;hook.file_open;program.p;function.f":      3000,
		"test.a;syscall.openat;hook.file_open;program.p;kernel.dispatch": 500,
		"test.a;syscall.other;kernel.without hooks":                      3,
	} {
		if got[stack] != ns {
			t.Errorf("%s: %d, want %d of %v", stack, got[stack], ns, got)
		}
	}
	if len(p.Sample) != 3 {
		t.Errorf("%d stacks, want 3: %v", len(p.Sample), got)
	}
}
