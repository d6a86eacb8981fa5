package rundir

import (
	"fmt"
	"math"
	"strings"

	pprof "github.com/google/pprof/profile"

	"github.com/lsmprof/lsmprof/profile"
)

// SyscallTimeType is the sample type of a cell's profile in which widths are shares of the time in syscalls: hook time,
// and the rest of each syscall below its own frame.
const SyscallTimeType = "syscall_time"

// LevelTest is the level of the root frames of a cell's profile: test.execl.
const LevelTest = "test"

// withoutHooks is the leaf that holds the time of a syscall outside of hooks.
const withoutHooks = "kernel.without hooks"

// CellProfile returns the profile of a cell. Its stacks begin with the test instead of the workload. If the syscalls of
// the cell were timed, it has the time that they spend outside of hooks as well.
func CellProfile(costs *profile.Costs, t Test, e Explained) (*pprof.Profile, error) {
	p, err := costs.Profile()
	if err != nil {
		return nil, err
	}
	for _, f := range p.Function {
		if strings.HasPrefix(f.Name, profile.LevelWorkload+".") {
			f.Name = profile.FrameName(LevelTest, t.Name)
			f.SystemName = f.Name
		}
	}
	if len(e.Syscalls) == 0 || len(p.Mapping) == 0 {
		return p, nil
	}
	AddSyscallTime(p)
	for _, s := range e.Syscalls {
		if err := addRest(p, t, s, e.Ops); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// AddSyscallTime adds the sample type SyscallTimeType to a profile that lacks it. Its values are those of the hook
// time.
func AddSyscallTime(p *pprof.Profile) {
	hook := sampleIndex(p, profile.HookTime)
	if hook < 0 || sampleIndex(p, SyscallTimeType) >= 0 {
		return
	}
	p.SampleType = append(p.SampleType, &pprof.ValueType{Type: SyscallTimeType, Unit: "nanoseconds"})
	for _, s := range p.Sample {
		s.Value = append(s.Value, s.Value[hook])
	}
}

// sampleIndex returns the index of a sample type, or -1.
func sampleIndex(p *pprof.Profile, name string) int {
	for i, t := range p.SampleType {
		if t.Type == name {
			return i
		}
	}
	return -1
}

// addRest adds the time that a syscall spent outside of hooks. It belongs to the number of rules that most of the hook
// time of the syscall belongs to.
func addRest(p *pprof.Profile, t Test, s SyscallTime, ops float64) error {
	hook := sampleIndex(p, profile.HookTime)
	frame := profile.FrameName(profile.LevelSyscall, s.Syscall)
	var inHooks int64
	byRules := map[string]int64{}
	most := ""
	for _, sample := range p.Sample {
		if frameOf(sample, profile.LevelSyscall) != frame {
			continue
		}
		inHooks += sample.Value[hook]
		rules := frameOf(sample, profile.LevelRules)
		if byRules[rules] += sample.Value[hook]; most == "" || byRules[rules] > byRules[most] {
			most = rules
		}
	}
	rest := math.Round(s.Ns*ops) - float64(inHooks)
	switch {
	case math.IsNaN(rest) || rest > math.MaxInt64:
		return fmt.Errorf("the time of %s is impossible: %v ns in each of %v operations", s.Syscall, s.Ns, ops)
	case rest <= 0:
		return nil
	}
	stack := []string{withoutHooks, frame, most, profile.FrameName(LevelTest, t.Name)}
	sample := &pprof.Sample{
		Value: make([]int64, len(p.SampleType)), Label: map[string][]string{"syscall": {s.Syscall}},
	}
	sample.Value[sampleIndex(p, SyscallTimeType)] = int64(rest)
	for _, name := range stack {
		if name != "" {
			sample.Location = append(sample.Location, locationOf(p, name))
		}
	}
	p.Sample = append(p.Sample, sample)
	return nil
}

// frameOf returns the name of the frame of a level in a stack, or "".
func frameOf(s *pprof.Sample, level string) string {
	for _, l := range s.Location {
		if len(l.Line) > 0 && strings.HasPrefix(l.Line[0].Function.Name, level+".") {
			return l.Line[0].Function.Name
		}
	}
	return ""
}

// locationOf returns the location of a function, in the first mapping. It adds them if there are none.
func locationOf(p *pprof.Profile, function string) *pprof.Location {
	for _, l := range p.Location {
		if l.Mapping == p.Mapping[0] && len(l.Line) > 0 && l.Line[0].Function.Name == function {
			return l
		}
	}
	f := &pprof.Function{ID: uint64(len(p.Function) + 1), Name: function, SystemName: function}
	l := &pprof.Location{
		ID: uint64(len(p.Location) + 1), Mapping: p.Mapping[0], Line: []pprof.Line{{Function: f}},
	}
	p.Function, p.Location = append(p.Function, f), append(p.Location, l)
	return l
}
