package projection

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	pprof "github.com/google/pprof/profile"

	"github.com/lsmprof/lsmprof/profile"
)

// Projection says what of a profile to keep. The zero value keeps everything.
type Projection struct {
	// Labels are those to keep; nil keeps all. Labels are strings then, `rules` among them: stores drop numeric
	// ones.
	Labels []string
	// Levels are the levels of the stack to keep, see profile.LevelWorkload; nil keeps all. Frames that have no
	// level, such as kernel functions and the leaves, are dropped then.
	Levels []string
	// MaxSamples folds the samples that are cheapest into one, other; 0: no limit. It must be at least 2.
	MaxSamples int
	// MaxBytes lowers MaxSamples until the profile fits without compression; 0: no limit.
	MaxBytes int
}

// Other is the frame, and the value of every label, of what was folded.
const Other = "other"

// Labels returns the names of all labels that a profile of lsmprof can have.
func Labels() []string {
	return []string{
		"comm", "container", "container_id", "enforcer", "hook", "image", "mount_namespace", "namespace", "pod",
		"program", "rules", "syscall", "workload",
	}
}

// Levels returns the names of all levels of a stack.
func Levels() []string {
	return []string{
		profile.LevelWorkload, profile.LevelRules, profile.LevelSyscall, profile.LevelHook,
		profile.LevelProgram,
	}
}

// Apply returns the projection of a profile, which it leaves alone, and how many samples were folded into other. The
// sum of each sample type is that of the profile.
func (p Projection) Apply(in *pprof.Profile) (out *pprof.Profile, folded int, err error) {
	out = in.Copy()
	if p.Labels != nil {
		keepLabels(out, p.Labels)
	}
	if p.Levels != nil {
		keepLevels(out, p.Levels)
	}
	if out, err = merge(out); err != nil {
		return nil, 0, err
	}
	most := len(out.Sample)
	if p.MaxSamples > 0 {
		most = min(most, p.MaxSamples)
	}
	whole := out
	for {
		out, folded = whole, 0
		if most < len(whole.Sample) {
			out = whole.Copy()
			folded = fold(out, most)
		}
		out = out.Compact()
		if p.MaxBytes == 0 {
			break
		}
		bytes, err := size(out)
		if err != nil {
			return nil, 0, err
		}
		if bytes <= p.MaxBytes {
			break
		}
		if most <= minSamples {
			return nil, 0, fmt.Errorf("the profile has %d bytes even with %d samples, more than %d", bytes,
				most, p.MaxBytes)
		}
		// Samples differ in size, so aim below the limit.
		most = max(minSamples, min(most-1, int(float64(most)*0.95*float64(p.MaxBytes)/float64(bytes))))
	}
	if err := out.CheckValid(); err != nil {
		return nil, 0, fmt.Errorf("project the profile: %w", err)
	}
	return out, folded, nil
}

// minSamples is the smallest limit on samples: one, and other.
const minSamples = 2

// size returns the number of bytes of a profile, uncompressed.
func size(p *pprof.Profile) (int, error) {
	var n counter
	if err := p.WriteUncompressed(&n); err != nil {
		return 0, err
	}
	return int(n), nil
}

type counter int

func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}

// keepLabels drops all labels but those named, and gives the number of rules its plain name.
func keepLabels(p *pprof.Profile, names []string) {
	for _, s := range p.Sample {
		labels := map[string][]string{}
		for _, name := range names {
			from := name
			if name == "rules" {
				from = "rule_count"
			}
			if values := s.Label[from]; len(values) > 0 {
				labels[name] = values
			}
		}
		s.Label, s.NumLabel, s.NumUnit = labels, nil, nil
	}
}

// keepLevels drops all frames but those of the levels named.
func keepLevels(p *pprof.Profile, levels []string) {
	keep := func(l *pprof.Location) bool {
		return slices.ContainsFunc(l.Line, func(line pprof.Line) bool {
			level, _, found := strings.Cut(line.Function.Name, ".")
			return found && slices.Contains(levels, level)
		})
	}
	for _, s := range p.Sample {
		s.Location = slices.DeleteFunc(s.Location, func(l *pprof.Location) bool { return !keep(l) })
	}
}

// merge adds up samples that are equal now.
func merge(p *pprof.Profile) (*pprof.Profile, error) {
	out, err := pprof.Merge([]*pprof.Profile{p})
	if err != nil {
		return nil, fmt.Errorf("merge the profile: %w", err)
	}
	out.Comments, out.DefaultSampleType = p.Comments, p.DefaultSampleType
	out.TimeNanos, out.DurationNanos, out.Period, out.PeriodType = p.TimeNanos, p.DurationNanos, p.Period,
		p.PeriodType
	return out, nil
}

// fold adds the cheapest samples up in one, so that most are left. It returns how many it folded.
func fold(p *pprof.Profile, most int) int {
	value := len(p.SampleType) - 1
	for i, t := range p.SampleType {
		if t.Type == p.DefaultSampleType {
			value = i
		}
	}
	slices.SortStableFunc(p.Sample, func(a, b *pprof.Sample) int {
		return int(max(-1, min(1, b.Value[value]-a.Value[value])))
	})
	kept, rest := p.Sample[:most-1], p.Sample[most-1:]
	other := &pprof.Sample{
		Value: make([]int64, len(p.SampleType)), Label: map[string][]string{},
		Location: []*pprof.Location{otherFrame(p)},
	}
	for _, s := range rest {
		for i, v := range s.Value {
			other.Value[i] += v
		}
		for _, name := range slices.Collect(maps.Keys(s.Label)) {
			other.Label[name] = []string{Other}
		}
	}
	p.Sample = append(slices.Clip(kept), other)
	return len(rest)
}

// otherFrame adds a frame that says other.
func otherFrame(p *pprof.Profile) *pprof.Location {
	f := &pprof.Function{ID: uint64(len(p.Function) + 1), Name: Other, SystemName: Other}
	l := &pprof.Location{ID: uint64(len(p.Location) + 1), Line: []pprof.Line{{Function: f}}}
	if len(p.Mapping) > 0 {
		l.Mapping = p.Mapping[0]
	}
	p.Function, p.Location = append(p.Function, f), append(p.Location, l)
	return l
}

// Whole reports whether the projection keeps everything.
func (p Projection) Whole() bool {
	return p.Labels == nil && p.Levels == nil && p.MaxSamples == 0 && p.MaxBytes == 0
}
