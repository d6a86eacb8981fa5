package profile

import (
	"fmt"
	"io"
	"math"
	"strconv"

	pprof "github.com/google/pprof/profile"

	"github.com/lsmprof/lsmprof/internal/text"
)

// Write writes the costs of the rules as a gzip-compressed pprof profile: a profile of its own, because their times are
// part of the bodies of the other. A sample's stack is, from the root: workload, hook, program, function, rule.
func (e *EachRule) Write(w io.Writer) error {
	p := &pprof.Profile{
		SampleType: []*pprof.ValueType{
			{Type: "looks", Unit: "count"},
			{Type: "matches", Unit: "count"},
			{Type: "rule_time", Unit: "nanoseconds"},
		},
		DefaultSampleType: "rule_time",
		DurationNanos:     int64(e.Duration),
		PeriodType:        &pprof.ValueType{Type: "looks", Unit: "count"},
		Period:            1,
		Comments: []string{fmt.Sprintf("each rule, in a separate pass: bias %v, step %v", e.Calibration.Bias,
			e.Calibration.Step)},
	}
	frames := map[string]*pprof.Location{}
	frame := func(name string) *pprof.Location {
		if frames[name] == nil {
			id := uint64(len(frames) + 1)
			f := &pprof.Function{ID: id, Name: name, SystemName: name}
			frames[name] = &pprof.Location{ID: id, Line: []pprof.Line{{Function: f}}}
			p.Function, p.Location = append(p.Function, f), append(p.Location, frames[name])
		}
		return frames[name]
	}
	for _, c := range e.Costs() {
		if c.Looks == 0 {
			continue
		}
		rule := c.label()
		if c.PastEnd {
			rule = "end of the rules"
		}
		name := text.Printable(c.Workload.Name())
		p.Sample = append(p.Sample, &pprof.Sample{
			Location: []*pprof.Location{
				frame(FrameName("rule", rule)), frame(FrameName(LevelFunction, c.Function)),
				frame(FrameName(LevelProgram, c.Program.Name)),
				frame(FrameName(LevelHook, c.Program.Hook)),
				frame(FrameName(LevelWorkload, name)),
			},
			Value: []int64{int64(c.Looks), int64(c.Matches), int64(math.Round(c.Total))},
			Label: map[string][]string{
				"rule": {text.Printable(rule)}, "function": {c.Function}, "program": {c.Program.Name},
				"hook": {c.Program.Hook}, "enforcer": {c.Program.Enforcer}, "workload": {name},
				"mount_namespace": {strconv.FormatUint(uint64(c.Workload.MntNS), 10)},
			},
		})
	}
	if err := p.CheckValid(); err != nil {
		return fmt.Errorf("build the pprof profile of the rules: %w", err)
	}
	return p.Write(w)
}
