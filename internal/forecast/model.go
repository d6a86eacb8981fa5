package forecast

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/lsmprof/lsmprof/internal/enforcer/rules"
	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/stats"
)

// Model says what a call of a hook costs under a number of rules.
type Model struct {
	Origin   string    // what it was fitted to: "the benchmark DIR", "this recording"
	Enforcer string    // whose programs were measured
	Lines    []Line    // by hook, program and syscall
	Spread   float64   // by which measurements of equal cost differ, as a share of the cost
	Syscalls []Syscall // that the benchmark timed
	Skipped  []string  // hooks without a line, with the reason
	freedom  int       // of the residuals of all lines; of the line that has least if workloads were joined
	joined   bool      // some lines go through several workloads
	pooled   []Line    // over the syscalls of a hook, then over the hooks of a kind
}

// Line is the cost of a call in ns over the number of rules: NoPolicy, NoRules, First with one rule, and Slope for each
// further rule.
type Line struct {
	Hook     string   `json:"hook"`
	Program  string   `json:"program"`
	Syscall  string   `json:"syscall"` // empty: any
	Kind     string   `json:"rule_type"`
	NoPolicy *float64 `json:"no_policy_ns"` // null: not measured
	NoRules  *float64 `json:"no_rules_ns"`  // null: not measured
	First    float64  `json:"first_rule_ns"`
	FirstErr float64  `json:"first_rule_err_ns"` // standard error of the mean of the sources
	Slope    float64  `json:"further_rule_ns"`
	SlopeErr float64  `json:"further_rule_err_ns"`
	// Correlation of First and Slope: a line that is too steep begins too low.
	Correlation float64 `json:"correlation"`
	// Depth is the standard deviation of First between sources, whose paths are of different depth.
	Depth   float64 `json:"first_rule_spread_ns"`
	Most    int     `json:"measured_rules"` // the largest number
	Sources int     `json:"sources"`        // tests or workloads that were measured
	// Bent: the points are farther from the line than their errors allow, and one by more than 3 % of its value.
	Bent bool `json:"bent"`

	joined bool // see joinSources
}

func (l *Line) place() place { return place{l.Program, l.Hook, l.Syscall} }

// FitRun fits a model to the profile runs of a benchmark. It fails if the run has none, or none with two numbers of
// rules.
func FitRun(run *rundir.Run, name string) (*Model, error) {
	m, err := fitModel(observationsOf(run))
	if err != nil {
		return nil, fmt.Errorf("fit a model to %s: %w; `lsmprof bench --rules 1,2,4,8` measures what it takes",
			strings.TrimSpace("the benchmark "+name), err)
	}
	m.Origin, m.Enforcer = "the benchmark "+name, run.Info.Enforcer
	m.Syscalls = syscallsOf(run)
	return m, nil
}

func fitModel(all []observation) (*Model, error) {
	if len(all) == 0 {
		return nil, errors.New("it has no profile of a hook whose number of rules is known")
	}
	byPlace := map[place][]observation{}
	for _, o := range all {
		byPlace[o.at] = append(byPlace[o.at], o)
	}
	fits, spread, freedom := fitAll(byPlace)
	m := &Model{Spread: spread, freedom: freedom}
	for i := range fits {
		f := &fits[i]
		switch {
		case len(f.levels) == 0:
			m.skip(f.at, "no rules were in force")
		case math.IsNaN(f.slope) && f.at.kind() != rules.Ptrace:
			m.skip(f.at, fmt.Sprintf("only measured with %d rules", f.most))
		default:
			m.Lines = append(m.Lines, f.line(spread))
			if m.Lines[len(m.Lines)-1].joined {
				if !m.joined || f.freedom < m.freedom {
					m.freedom = f.freedom
				}
				m.joined = true
			}
		}
	}
	if len(m.Lines) == 0 {
		return nil, fmt.Errorf("no hook was measured under two numbers of rules: %s", strings.Join(m.Skipped,
			"; "))
	}
	m.pool()
	return m, nil
}

func (m *Model) skip(at place, why string) {
	m.Skipped = append(m.Skipped, fmt.Sprintf("%s in %s: %s", at.hook, at.syscall, why))
}

// priorFreedom is how many sources the assumption about their difference is worth.
const priorFreedom = 4

// priorDepth is the standard deviation between sources that is assumed before any difference was seen, as a share of
// what the first rule adds. Where a path is built, that is mostly the walk from the file to the root.
func priorDepth(kind string) float64 {
	switch kind {
	case rules.File, rules.Exec, rules.Mount:
		return 0.25
	}
	return 0.05
}

func (f *fit) line(spread float64) Line {
	l := Line{
		Hook: f.at.hook, Program: f.at.program, Syscall: f.at.syscall, Kind: f.at.kind(), Most: f.most,
		Sources: len(f.sources), NoPolicy: meanOf(f.noPolicy), NoRules: meanOf(f.noRules),
	}
	variance := 0.0
	if !math.IsNaN(f.slope) {
		l.Slope, variance = max(0, f.slope), f.variance
	}
	l.SlopeErr = math.Sqrt(variance)
	n, own, lever := float64(len(f.sources)), 0.0, 0.0
	for _, s := range f.sources {
		l.First, own, lever = l.First+s.first/n, own+s.own/(n*n), lever+(s.rules-1)/n
	}
	between := 0.0
	for _, s := range f.sources {
		between += (s.first - l.First) * (s.first - l.First)
	}
	prior := priorDepth(l.Kind) * max(0, l.First-value(l.NoRules))
	l.Depth = math.Sqrt((priorFreedom*prior*prior + between) / (priorFreedom + n - 1))
	l.FirstErr = math.Sqrt(own + lever*lever*variance)
	if l.FirstErr > 0 {
		l.Correlation = -lever * l.SlopeErr / l.FirstErr
	}
	l.Bent = f.bent(spread)
	if l.joined = n == 1 && f.sources[0].source == allWorkloads; l.joined && f.freedom > 0 {
		own := math.Sqrt(max(1, f.residuals(spread)/float64(f.freedom)))
		l.SlopeErr, l.FirstErr = l.SlopeErr*own, l.FirstErr*own
	}
	return l
}

// bent reports whether the points of a place are no line, as [stats.Line] does.
func (f *fit) bent(spread float64) bool {
	for _, s := range f.sources {
		var points []stats.Point
		for _, o := range f.levels {
			if o.source == s.source {
				points = append(points, stats.Point{
					X: float64(o.rules), Y: o.mean,
					Err: 1 / math.Sqrt(weight(o, spread)),
				})
			}
		}
		if line, err := stats.FitLine(points); err == nil && line.Bent {
			return true
		}
	}
	return false
}

func meanOf(all []observation) *float64 {
	if len(all) == 0 {
		return nil
	}
	sum := 0.0
	for _, o := range all {
		sum += o.mean / float64(len(all))
	}
	return &sum
}

func value(v *float64) float64 {
	if v == nil {
		return 0
	}
	return *v
}

// pool makes lines for syscalls and hooks that were not measured: one for each hook from those of its syscalls, and one
// for each kind of rules from those of its hooks. Their errors contain how much the lines behind them differ.
func (m *Model) pool() {
	join := func(same func(a, b *Line) bool, name func(l *Line) Line) {
		var done []*Line
		for i := range m.Lines {
			l := &m.Lines[i]
			if slices.ContainsFunc(done, func(d *Line) bool { return same(d, l) }) {
				continue
			}
			done = append(done, l)
			var group []*Line
			for k := range m.Lines {
				if same(l, &m.Lines[k]) {
					group = append(group, &m.Lines[k])
				}
			}
			m.pooled = append(m.pooled, average(name(l), group))
		}
	}
	join(func(a, b *Line) bool { return a.Hook == b.Hook && a.Program == b.Program },
		func(l *Line) Line { return Line{Hook: l.Hook, Program: l.Program, Kind: l.Kind} })
	join(func(a, b *Line) bool { return a.Kind == b.Kind },
		func(l *Line) Line { return Line{Kind: l.Kind} })
}

// average returns the mean of lines, whose differences become errors.
func average(out Line, lines []*Line) Line {
	n := float64(len(lines))
	for _, l := range lines {
		out.First, out.Slope = out.First+l.First/n, out.Slope+l.Slope/n
		out.Depth = max(out.Depth, l.Depth)
		out.Most, out.Sources = max(out.Most, l.Most), out.Sources+l.Sources
		out.NoRules, out.NoPolicy = cheaper(out.NoRules, l.NoRules), cheaper(out.NoPolicy, l.NoPolicy)
	}
	var first, slope float64
	for _, l := range lines {
		first += (l.First-out.First)*(l.First-out.First)/max(1, n-1) + l.FirstErr*l.FirstErr/n
		slope += (l.Slope-out.Slope)*(l.Slope-out.Slope)/max(1, n-1) + l.SlopeErr*l.SlopeErr/n
	}
	out.FirstErr, out.SlopeErr = math.Sqrt(first), math.Sqrt(slope)
	if out.Hook == "" { // other programs may do other work, also if all that were measured are alike
		out.FirstErr, out.SlopeErr = math.Hypot(out.FirstErr, 0.2*out.First), math.Hypot(out.SlopeErr,
			0.2*out.Slope)
	}
	return out
}

func cheaper(a, b *float64) *float64 {
	if a == nil || b != nil && *b < *a {
		return b
	}
	return a
}

// lineOf returns the line of a place: its own, or that of its hook, or that of its kind of rules. It returns nil if no
// rules of the kind were measured, or if the place is that of another enforcer.
func (m *Model) lineOf(at place, enforcer string) *Line {
	for i := range m.Lines {
		if m.Lines[i].place() == at {
			return &m.Lines[i]
		}
	}
	for i := range m.pooled {
		l := &m.pooled[i]
		if l.Hook == at.hook && l.Program == at.program ||
			l.Hook == "" && l.Kind == at.kind() && l.Kind != rules.Other && enforcer == m.Enforcer {
			return l
		}
	}
	return nil
}

// Unknown reports whether the model has no line for any row of a workload.
func (m *Model) Unknown(w *Workload) bool {
	return !slices.ContainsFunc(w.Rows, func(r Row) bool { return m.lineOf(r.place(), r.Enforcer) != nil })
}
