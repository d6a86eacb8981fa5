package profile

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"

	pprof "github.com/google/pprof/profile"

	"github.com/lsmprof/lsmprof/internal/text"
)

// Write writes the costs as a gzip-compressed pprof profile. The same snapshot always gives the same bytes.
func (c *Costs) Write(w io.Writer) error {
	p, err := c.Profile()
	if err != nil {
		return err
	}
	return p.Write(w)
}

// Write works out the costs and writes them as a gzip-compressed pprof profile.
func (s Snapshot) Write(w io.Writer) error {
	c, err := s.Costs()
	if err != nil {
		return err
	}
	return c.Write(w)
}

// Profile returns the costs as a pprof profile with a few samples per row, or per row and sampled stack. A sample's
// stack is, from the root: workload, rules, syscall, hook, program, and where the time goes: in the program's body or
// in the kernel that dispatches it. Calls that were denied have a sample of their own, without a time.
func (c *Costs) Profile() (*pprof.Profile, error) {
	s := &c.snapshot
	b := builder{
		Profile: &pprof.Profile{
			SampleType:        sampleTypes(),
			DefaultSampleType: HookTime,
			TimeNanos:         s.Start.UnixNano(),
			DurationNanos:     int64(s.Duration),
			// One event is one call: calls and costs are already scaled to all calls.
			PeriodType: &pprof.ValueType{Type: sampleCalls, Unit: "count"},
			Period:     1,
			Comments:   c.comments(),
		},
		texts:     s.Inside.texts(),
		mappings:  map[string]*pprof.Mapping{},
		functions: map[function]*pprof.Function{},
		locations: map[location]*pprof.Location{},
		samples:   map[string]*pprof.Sample{},
	}
	for i := range c.Rows {
		b.add(&c.Rows[i])
	}
	if err := b.CheckValid(); err != nil {
		return nil, fmt.Errorf("build the pprof profile: %w", err)
	}
	return b.Profile, nil
}

// builder numbers what the samples of a profile share.
type builder struct {
	*pprof.Profile
	texts     map[sourceKey]string
	mappings  map[string]*pprof.Mapping
	functions map[function]*pprof.Function
	locations map[location]*pprof.Location
	samples   map[string]*pprof.Sample
}

// location is a function in an enforcer's stacks, in the kernel, or in a program, or a line in the latter.
type location struct {
	mapping string
	function
	line int
}

// function is a function's name and, if it is known, the file that a line of it is in: code that was inlined from
// another file is a function of the same name in that file.
type function struct{ name, file string }

func (b *builder) add(c *Cost) {
	// A program that was loaded again has its own row, but the same stack and labels.
	key := fmt.Sprint(c.Program.Enforcer, c.Program.Scope, stringLabels(c))
	whole := [valueCount]float64{float64(c.Calls), float64(c.Denials), c.Body, c.Hook}
	var sampled uint64
	for _, stack := range c.Stacks {
		sampled += stack.Count
	}
	if sampled == 0 {
		b.leaves(key, c, Stack{}, whole)
		return
	}
	// Divide the row among its stacks as they were sampled, in a fixed order.
	stacks := slices.Clone(c.Stacks)
	slices.SortFunc(stacks, func(a, b Stack) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Key(), b.Key()))
	})
	shares := make([]uint64, len(stacks))
	for i, stack := range stacks {
		shares[i] = stack.Count
	}
	for i, part := range divide(whole[:], shares) {
		b.leaves(key+stacks[i].Key(), c, stacks[i], [valueCount]float64(part))
	}
}

// divide divides each of the values, rounded, in proportion to the shares. Rounding the running total makes the parts
// add up.
func divide(values []float64, shares []uint64) [][]float64 {
	var all, seen uint64
	for _, share := range shares {
		all += share
	}
	given, parts := make([]float64, len(values)), make([][]float64, len(shares))
	for i, share := range shares {
		seen += share
		parts[i] = make([]float64, len(values))
		for j, v := range values {
			upTo := math.Round(math.Round(v) * float64(seen) / float64(all))
			parts[i][j], given[j] = upTo-given[j], upTo
		}
	}
	return parts
}

// leaves adds the samples of a row and a stack. If the inside of the row's program was sampled, its paths replace the
// body.
func (b *builder) leaves(key string, c *Cost, stack Stack, values [valueCount]float64) {
	for _, l := range leavesOf(values) {
		if l.frame != leafBody || len(c.Paths) == 0 {
			b.sample(key+l.frame, c, stack, l, nil)
			continue
		}
		for i, part := range divide(l.values[:], counts(c.Paths)) {
			inner := leaf{values: [valueCount]float64(part)}
			if inner.values != [valueCount]float64{} {
				b.sample(key+c.Paths[i].Key(), c, stack, inner, &c.Paths[i])
			}
		}
	}
}

// sample adds the values of a leaf, or of a path inside the program, to its sample.
func (b *builder) sample(key string, c *Cost, stack Stack, l leaf, path *Path) {
	if b.samples[key] == nil {
		var inner []*pprof.Location
		if path != nil {
			inner = b.path(c, path)
		} else {
			inner = append(inner, b.location(owner(c), l.frame))
		}
		s := &pprof.Sample{
			Location: append(inner, b.stack(c, stack)...),
			Label:    stringLabels(c), Value: make([]int64, len(b.SampleType)),
		}
		if path != nil {
			s.Label["program"] = []string{text.Printable(path.Program)}
		}
		s.NumLabel, s.NumUnit = numericLabels(c)
		b.samples[key] = s
		b.Sample = append(b.Sample, s)
	}
	for i, v := range l.values {
		b.samples[key].Value[i] += int64(v)
	}
}

// stack returns the locations of a row, leaf first as pprof wants them: program, hook, the kernel functions that led to
// it, syscall, the functions of the process that led to that, rules, workload. There is no program if those of a hook
// are measured together.
func (b *builder) stack(c *Cost, stack Stack) (all []*pprof.Location) {
	frame := func(level, name string) { all = append(all, b.location(owner(c), FrameName(level, name))) }
	if c.Program.Scope != ScopeHook {
		frame(LevelProgram, c.Program.Name)
	}
	frame(LevelHook, c.Program.Hook)
	for _, f := range stack.Kernel {
		all = append(all, b.location(f.Module, f.label()))
	}
	frame(LevelSyscall, c.Syscall)
	for _, f := range stack.User {
		all = append(all, b.location(f.Module, f.label()))
	}
	all = append(all, b.location(owner(c), rulesFrame(c.Rules)))
	frame(LevelWorkload, c.Name)
	return all
}

// owner returns the mapping of the frames of a row. pprof shows the first one of a profile as its title.
func owner(c *Cost) string { return text.Enforcer(c.Program.Enforcer) }

// stringLabels returns every label that distinguishes samples: many profile stores drop numeric ones. A label that is
// also numeric has another key here, because pprof joins the values of one key: -tagroot=rules would show "8,8".
func stringLabels(c *Cost) map[string][]string {
	labels := map[string][]string{
		"syscall":         {c.Syscall},
		"hook":            {c.Program.Hook},
		"enforcer":        {c.Program.Enforcer},
		"workload":        {c.Name},
		"mount_namespace": {strconv.FormatUint(uint64(c.Workload.MntNS), 10)},
		"rule_count":      {"unknown"},
	}
	if c.Rules == RulesUnknown {
		labels["rules"] = []string{"unknown"}
	} else {
		labels["rule_count"] = []string{strconv.Itoa(c.Rules)}
	}
	w := &c.Workload
	for key, value := range map[string]string{
		"comm": w.Comm, "namespace": w.Namespace, "pod": w.Pod, "container": w.Container,
		"container_id": w.ContainerID, "image": w.Image, "policy": c.Policy,
	} {
		if value != "" {
			labels[key] = []string{text.Printable(value)}
		}
	}
	if c.Program.Scope != ScopeHook {
		labels["program"] = []string{c.Program.Name}
	}
	return labels
}

// numericLabels returns the labels that pprof can filter by range. They must be numbers: pprof takes a number after
// -tagfocus=KEY= for a range and then looks at numeric labels only. They need a unit: pprof drops a 0 without one when
// it reads a profile.
func numericLabels(c *Cost) (map[string][]int64, map[string][]string) {
	values := map[string][]int64{"mntns": {int64(c.Workload.MntNS)}}
	units := map[string][]string{"mntns": {"inode"}}
	if c.Rules != RulesUnknown {
		values["rules"], units["rules"] = []int64{int64(c.Rules)}, []string{"rules"}
	}
	return values, units
}

func (b *builder) location(mapping, name string) *pprof.Location {
	return b.line(mapping, function{name: name}, 0)
}

func (b *builder) line(mapping string, f function, line int) *pprof.Location {
	key := location{mapping, f, line}
	if b.locations[key] == nil {
		l := &pprof.Location{
			ID:      uint64(len(b.Location) + 1),
			Mapping: b.mapping(mapping),
			Line:    []pprof.Line{{Function: b.function(f), Line: int64(line)}},
		}
		b.locations[key], b.Location = l, append(b.Location, l)
	}
	return b.locations[key]
}

func (b *builder) function(f function) *pprof.Function {
	if b.functions[f] == nil {
		p := &pprof.Function{
			ID: uint64(len(b.Function) + 1), Name: f.name, SystemName: f.name,
			Filename: f.file,
		}
		if f.file != "" {
			// pprof takes a name that has no other system name for C++, and drops what is in parentheses.
			p.SystemName = f.file + ":" + f.name
		}
		b.functions[f], b.Function = p, append(b.Function, p)
	}
	return b.functions[f]
}

// mapping returns the mapping of an enforcer or a module. It claims to have all symbols, so that pprof looks for no
// binary.
// mapping returns the mapping of a file. A process chooses the names of the files that it maps, and one that is not
// UTF-8 would make receivers refuse the whole profile.
func (b *builder) mapping(file string) *pprof.Mapping {
	file = text.Printable(file)
	if b.mappings[file] == nil {
		m := &pprof.Mapping{
			ID: uint64(len(b.Mapping) + 1), File: file,
			HasFunctions: true, HasFilenames: true, HasLineNumbers: true, HasInlineFrames: true,
		}
		b.mappings[file], b.Mapping = m, append(b.Mapping, m)
	}
	return b.mappings[file]
}
