package forecast

import (
	"maps"
	"math"

	"github.com/lsmprof/lsmprof/internal/stats"
	"github.com/lsmprof/lsmprof/profile"
)

// Rules holds numbers of rules by kind. Kinds that it lacks stay as they are.
type Rules map[string]int

// Amount is hook cost with its 95 % interval.
type Amount struct {
	Ns    float64        `json:"ns"`
	CI    stats.Interval `json:"ci_ns"`
	Share float64        `json:"share"` // of one CPU, or of the score of a test
	Of    stats.Interval `json:"share_ci"`
}

// Forecast is what the hooks of a workload take now and would take.
type Forecast struct {
	Workload string        `json:"workload"`
	Now      Amount        `json:"now"`
	Then     Amount        `json:"forecast"`
	Hooks    []RowForecast `json:"hooks"`
	Syscalls []SyscallPart `json:"syscalls"`
	// Unknown is the share of today's hook cost whose rows the model says nothing about. It stays as it is.
	Unknown float64 `json:"unknown_share"`
	// Extrapolated: a number of rules is beyond four times the largest that was measured.
	Extrapolated bool `json:"extrapolated"`
	// NewRules: a hook walks its first rule, whose cost depends on paths that the recording does not know.
	NewRules bool `json:"depth_unknown"`
}

// RowForecast is the mean cost of a call of one hook in one syscall.
type RowForecast struct {
	Hook    string         `json:"hook"`
	Syscall string         `json:"syscall"`
	Program string         `json:"program"`
	Kind    string         `json:"rule_type"`
	Calls   float64        `json:"calls"`
	Rules   int            `json:"rules"` // in force; -1: unknown
	NewRule int            `json:"forecast_rules"`
	Mean    float64        `json:"mean_ns"`
	New     float64        `json:"forecast_mean_ns"`
	CI      stats.Interval `json:"forecast_ci_ns"`
	// Why says why the row stays as it is although its rules change; empty if a line covers it.
	Why          string `json:"not_forecast,omitempty"`
	From         string `json:"from"` // what the model knows: syscall, hook or rule type
	Extrapolated bool   `json:"extrapolated"`
}

// SyscallPart is the share of a syscall that its hooks take, by the time that a benchmark measured of it.
type SyscallPart struct {
	Syscall string  `json:"syscall"`
	Now     float64 `json:"now"`
	Then    float64 `json:"forecast"`
}

// Extrapolation begins at this multiple of the largest number that was measured.
const farthest = 4

// Forecast returns what the hooks of a workload would take under other numbers of rules.
func (m *Model) Forecast(w *Workload, want Rules) Forecast {
	f := Forecast{Workload: w.Name, Hooks: []RowForecast{}}
	now, then, unknown := estimate{}, estimate{}, 0.0
	for i := range w.Rows {
		r := &w.Rows[i]
		before := m.recorded(w, i)
		after, part := m.row(w, i, want)
		if part.Why != "" {
			unknown += r.Calls * r.Mean
		}
		f.Extrapolated = f.Extrapolated || part.Extrapolated
		f.NewRules = f.NewRules || r.Rules == 0 && part.NewRule > 0
		half := m.quantile() * after.deviation()
		part.CI = stats.Interval{Low: max(0, after.value-half), High: after.value + half}
		f.Hooks = append(f.Hooks, part)
		now.add(before.times(r.Calls))
		then.add(after.times(r.Calls))
	}
	f.Now, f.Then = m.amount(w, now), m.amount(w, then)
	if now.value > 0 {
		f.Unknown = unknown / now.value
	}
	f.Syscalls = m.syscallParts(&f)
	return f
}

func (m *Model) amount(w *Workload, e estimate) Amount {
	half := m.quantile() * e.deviation()
	a := Amount{Ns: e.value, CI: stats.Interval{Low: max(0, e.value-half), High: e.value + half}}
	a.Share, a.Of = w.Share(a.Ns), stats.Interval{Low: w.Share(a.CI.Low), High: w.Share(a.CI.High)}
	return a
}

// quantile returns how many standard deviations are half a 95 % interval.
func (m *Model) quantile() float64 {
	if m.joined {
		return stats.StudentT95(max(1, m.freedom))
	}
	return stats.StudentT95(max(priorFreedom, m.freedom))
}

// recorded returns the cost of a call as it was recorded. Recordings differ from each other as the runs of the model
// do.
func (m *Model) recorded(w *Workload, i int) estimate {
	r := &w.Rows[i]
	return exactly(r.Mean).with(cause("row", w.Name, i), math.Hypot(r.Err, m.Spread*r.Mean)).
		with("calibration", r.Level)
}

// row returns the cost of a call of a row under other rules.
func (m *Model) row(w *Workload, i int, want Rules) (estimate, RowForecast) {
	r := &w.Rows[i]
	part := RowForecast{
		Hook: r.Hook, Syscall: r.Syscall, Program: r.Program, Kind: r.place().kind(), Calls: r.Calls,
		Rules:   r.Rules,
		NewRule: r.Rules, Mean: r.Mean, New: r.Mean,
	}
	same := m.recorded(w, i)
	n, changes := want[part.Kind]
	if !changes || n == r.Rules {
		return same, part
	}
	part.NewRule = n
	l := m.lineOf(r.place(), r.Enforcer)
	switch {
	case r.Rules == profile.RulesUnknown:
		part.Why = "the number of rules in force is unknown"
	case l == nil:
		part.Why = "the model has no line for it"
	case l.Slope == 0 && l.SlopeErr == 0 && max(n, r.Rules) > l.Most:
		part.Why = "only measured with " + plural(l.Most)
	}
	if part.Why != "" {
		return same, part
	}
	part.From = l.from()
	part.Extrapolated = n > farthest*l.Most
	out := m.moved(w, i, l, n)
	part.New = out.value
	return out, part
}

func (l *Line) from() string {
	switch {
	case l.Syscall != "":
		return "syscall"
	case l.Hook != "":
		return "hook"
	}
	return "rule type"
}

// moved returns the cost of a call of a row with n rules.
func (m *Model) moved(w *Workload, i int, l *Line, n int) estimate {
	r := &w.Rows[i]
	switch {
	case n == 0:
		// Without rules no path is built: the cost depends on nothing that a workload does.
		none := l.NoRules
		if none == nil {
			none = l.NoPolicy
		}
		if none == nil {
			none = &l.First
		}
		return exactly(*none).with("calibration", r.Level).
			with("no rules "+l.key(), math.Hypot(l.FirstErr, m.Spread**none))
	case r.Rules == 0:
		// The paths of this workload are not those of the sources, and have a mean depth of their own.
		first := exactly(l.First).with("first "+l.key(), l.FirstErr).
			with(cause("depth", w.Name, 0)+l.Kind, l.Depth*m.depthFactor(l)).with("calibration", r.Level)
		return first.plus(l.further(float64(n-1), n))
	}
	// The recorded mean contains the depth of the paths. What changes is the number of rules that are walked: all
	// of them, but for calls that are denied, whose walk stops anywhere.
	more := l.further(float64(n-r.Rules), n)
	if l.Hook == "" {
		// A program that builds two paths walks the rules twice: what it costs says how its rules compare.
		more = more.times(r.Mean / max(1, l.First+l.Slope*float64(r.Rules-1)))
	}
	stops := exactly(1-r.Denied/2).with(cause("match", w.Name, i), r.Denied/math.Sqrt(12))
	scaled := more.times(stops.value)
	for c, d := range stops.errors {
		scaled = scaled.with(c, d*more.value)
	}
	return m.recorded(w, i).plus(scaled)
}

// depthFactor widens the deviation between sources: it is that of one more source around the mean of few.
func (m *Model) depthFactor(l *Line) float64 {
	freedom := priorFreedom + max(1, l.Sources) - 1
	few := stats.StudentT95(freedom) / stats.StudentT95(max(priorFreedom, m.freedom))
	return math.Sqrt(1+1/float64(max(1, l.Sources))) * max(1, few)
}

// longerWalk is the standard deviation by which a rule beyond those measured differs from the measured ones, as a
// share. Rules are often looked up in a hash map, whose chains grow with their number: in one of as many buckets as
// rules each look-up passes half an entry more.
const longerWalk = 0.02

// further returns the cost of some rules more, for a walk of n rules in all.
func (l *Line) further(rules float64, n int) estimate {
	e := exactly(l.Slope*rules).
		with("first "+l.key(), l.Correlation*l.SlopeErr*rules).
		with("slope "+l.key(), math.Sqrt(max(0, 1-l.Correlation*l.Correlation))*l.SlopeErr*rules)
	beyond := float64(max(0, n-l.Most))
	bend := longerWalk
	if l.Bent {
		bend *= 5
	}
	return e.with("longer walk "+l.key(), bend*l.Slope*beyond)
}

// key names the errors of a line. Lines through the same workloads share theirs.
func (l *Line) key() string {
	if l.joined {
		return allWorkloads
	}
	return l.Hook + " " + l.Program + " " + l.Syscall + " " + l.Kind
}

// syscallParts returns the share of each syscall that its hooks take. Of hooks that are called several times, all calls
// count.
func (m *Model) syscallParts(f *Forecast) []SyscallPart {
	type sums struct{ calls, now, then float64 }
	byHook := map[string]map[string]sums{}
	var order []string
	for _, h := range f.Hooks {
		if m.syscall(h.Syscall) == nil {
			continue
		}
		if byHook[h.Syscall] == nil {
			byHook[h.Syscall] = map[string]sums{}
			order = append(order, h.Syscall)
		}
		s := byHook[h.Syscall][h.Hook]
		byHook[h.Syscall][h.Hook] = sums{s.calls + h.Calls, s.now + h.Calls*h.Mean, s.then + h.Calls*h.New}
	}
	out := []SyscallPart{}
	for _, name := range order {
		s := m.syscall(name)
		var now, then float64
		for _, hook := range sortedKeys(byHook[name]) {
			if c := byHook[name][hook]; c.calls > 0 {
				now, then = now+s.Hooks[hook]*c.now/c.calls, then+s.Hooks[hook]*c.then/c.calls
			}
		}
		out = append(out, SyscallPart{name, now / (s.Ns + now), then / (s.Ns + then)})
	}
	return out
}

// With returns the rules with those of other added.
func (r Rules) With(other Rules) Rules {
	out := maps.Clone(r)
	if out == nil {
		out = Rules{}
	}
	maps.Copy(out, other)
	return out
}
