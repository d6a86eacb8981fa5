package profile

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/google/pprof/profile"
)

// Write writes the snapshot as a gzip-compressed pprof profile. The same snapshot always gives the same bytes.
func (s Snapshot) Write(w io.Writer) error {
	p, err := s.Profile()
	if err != nil {
		return err
	}
	return p.Write(w)
}

// Profile is the snapshot as a pprof profile: one sample per row, its stack from the root workload, syscall, hook, program.
func (s Snapshot) Profile() (*profile.Profile, error) {
	costs, err := s.Costs()
	if err != nil {
		return nil, err
	}
	b := builder{
		Profile: &profile.Profile{
			SampleType: []*profile.ValueType{
				{Type: "calls", Unit: "count"},
				{Type: "denials", Unit: "count"},
				{Type: "body", Unit: "nanoseconds"},
				{Type: "hook", Unit: "nanoseconds"},
			},
			DefaultSampleType: "hook",
			TimeNanos:         s.Start.UnixNano(),
			DurationNanos:     int64(s.Duration),
			// Every call is counted: only stacks are sampled.
			PeriodType: &profile.ValueType{Type: "calls", Unit: "count"},
			Period:     1,
			Comments:   s.comments(),
		},
		mappings:  map[string]*profile.Mapping{},
		functions: map[string]*profile.Function{},
		locations: map[frame]*profile.Location{},
		samples:   map[string]*profile.Sample{},
	}
	for i := range costs.Rows {
		b.add(&costs.Rows[i])
	}
	if err := b.CheckValid(); err != nil {
		return nil, fmt.Errorf("build the pprof profile: %w", err)
	}
	return b.Profile, nil
}

// builder numbers what a profile shares between its samples.
type builder struct {
	*profile.Profile
	mappings  map[string]*profile.Mapping
	functions map[string]*profile.Function
	locations map[frame]*profile.Location
	samples   map[string]*profile.Sample
}

// frame is a function: of an enforcer's stacks, of the kernel or of a program.
type frame struct{ enforcer, name string }

func (b *builder) add(c *Cost) {
	// A program that was loaded again has a row of its own, but the same stack and labels.
	key := fmt.Sprint(c.Of.Enforcer, c.Of.Scope, stringLabels(c), c.Workload.MntNS, c.Rules)
	whole := []float64{float64(c.Calls), float64(c.Denials), c.Body, c.Hook}
	if len(c.Stacks) == 0 {
		b.sample(key, c, Stack{}, whole)
		return
	}
	// A row is divided among its stacks as they were sampled, in a fixed order; rounding the running total lets them add up.
	stacks := slices.Clone(c.Stacks)
	slices.SortFunc(stacks, func(a, b Stack) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Key(), b.Key())) })
	var all, seen uint64
	for _, stack := range stacks {
		all += stack.Count
	}
	given := make([]float64, len(whole))
	for _, stack := range stacks {
		seen += stack.Count
		part := make([]float64, len(whole))
		for i, v := range whole {
			upTo := math.Round(math.Round(v) * float64(seen) / float64(all))
			part[i], given[i] = upTo-given[i], upTo
		}
		b.sample(key+stack.Key(), c, stack, part)
	}
}

// sample adds values to the sample of a row and a stack.
func (b *builder) sample(key string, c *Cost, stack Stack, values []float64) {
	if b.samples[key] == nil {
		s := &profile.Sample{Location: b.stack(c, stack), Label: stringLabels(c), Value: make([]int64, len(b.SampleType))}
		s.NumLabel, s.NumUnit = numericLabels(c)
		b.samples[key] = s
		b.Sample = append(b.Sample, s)
	}
	for i, v := range values {
		b.samples[key].Value[i] += int64(math.Round(v))
	}
}

// stack is the locations of a sample, leaf first as pprof wants it: program, hook, what led to it in the kernel, syscall, what led
// to that in the program, workload. Where the programs of a hook cannot be told apart, the hook is the leaf.
func (b *builder) stack(c *Cost, stack Stack) (all []*profile.Location) {
	if c.Of.Scope == ScopeProgram {
		all = append(all, b.location(c.Of.Enforcer, c.Of.Name))
	}
	all = append(all, b.location(c.Of.Enforcer, "lsm/"+c.Of.Hook))
	for _, f := range stack.Kernel {
		all = append(all, b.location(f.Module, f.label()))
	}
	all = append(all, b.location(c.Of.Enforcer, c.Syscall))
	for _, f := range stack.User {
		all = append(all, b.location(f.Module, f.label()))
	}
	return append(all, b.location(c.Of.Enforcer, c.Name))
}

func stringLabels(c *Cost) map[string][]string {
	labels := map[string][]string{
		"syscall":  {c.Syscall},
		"hook":     {c.Of.Hook},
		"enforcer": {c.Of.Enforcer},
		"workload": {c.Name},
	}
	for key, value := range map[string]string{
		"comm": c.Workload.Comm, "namespace": c.Workload.Namespace, "pod": c.Workload.Pod,
		"container": c.Workload.Container, "container_id": c.Workload.ContainerID, "image": c.Workload.Image,
	} {
		if value != "" {
			labels[key] = []string{printable(value)}
		}
	}
	if c.Of.Scope == ScopeProgram {
		labels["program"] = []string{c.Of.Name}
	}
	if c.Rules == RulesUnknown {
		labels["rules"] = []string{"unknown"}
	}
	return labels
}

// numericLabels are numbers because pprof takes a number after -tagfocus=KEY= for a range and then looks at numbers only. They
// have a unit because pprof loses a number 0 without one when it reads the profile.
func numericLabels(c *Cost) (map[string][]int64, map[string][]string) {
	values := map[string][]int64{"mntns": {int64(c.Workload.MntNS)}}
	units := map[string][]string{"mntns": {"inode"}}
	if c.Rules != RulesUnknown {
		values["rules"], units["rules"] = []int64{int64(c.Rules)}, []string{"rules"}
	}
	return values, units
}

func (b *builder) location(enforcer, name string) *profile.Location {
	key := frame{enforcer, name}
	if b.locations[key] == nil {
		l := &profile.Location{
			ID:      uint64(len(b.Location) + 1),
			Mapping: b.mapping(enforcer),
			Line:    []profile.Line{{Function: b.function(name)}},
		}
		b.locations[key], b.Location = l, append(b.Location, l)
	}
	return b.locations[key]
}

func (b *builder) function(name string) *profile.Function {
	if b.functions[name] == nil {
		f := &profile.Function{ID: uint64(len(b.Function) + 1), Name: name, SystemName: name}
		b.functions[name], b.Function = f, append(b.Function, f)
	}
	return b.functions[name]
}

// mapping is the enforcer. It has all its symbols, which keeps pprof from looking for a binary of that name.
func (b *builder) mapping(enforcer string) *profile.Mapping {
	if b.mappings[enforcer] == nil {
		m := &profile.Mapping{
			ID: uint64(len(b.Mapping) + 1), File: enforcer,
			HasFunctions: true, HasFilenames: true, HasLineNumbers: true, HasInlineFrames: true,
		}
		b.mappings[enforcer], b.Mapping = m, append(b.Mapping, m)
	}
	return b.mappings[enforcer]
}
