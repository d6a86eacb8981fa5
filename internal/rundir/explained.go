package rundir

import (
	"math"
	"slices"

	"github.com/lsmprof/lsmprof/profile"
)

// Explained is what a profile run found in a cell. All figures are per operation of the test, unless their names say
// otherwise.
type Explained struct {
	Ops    float64 `json:"ops"`
	Calls  float64 `json:"calls_per_op"`
	HookNs float64 `json:"hook_ns_per_op"`
	// Completeness is the share of hook calls that were timed, in percent.
	Completeness float64        `json:"completeness_percent"`
	Calibrated   bool           `json:"calibrated"`
	Rows         []ExplainedRow `json:"rows"`
	// Syscalls come from a separate run without hook probes. Nil: there was none.
	Syscalls []SyscallTime `json:"syscalls,omitempty"`
	// Lines say where the programs spend their time, in all operations. Nil: it was not sampled.
	Lines []profile.DocumentProgramLines `json:"lines,omitempty"`
}

// SyscallTime is the time that a syscall took from entry to exit, waiting included.
type SyscallTime struct {
	Syscall string  `json:"syscall"`
	Calls   float64 `json:"calls_per_op"`
	Ns      float64 `json:"ns_per_op"`
}

// ExplainedRow is the cost of one program in one syscall.
type ExplainedRow struct {
	Syscall string `json:"syscall"`
	Hook    string `json:"hook"`
	Program string `json:"program"` // empty: the programs of the hook cannot be told apart
	// Enforcer owns the program. Runs of older versions lack it.
	Enforcer string  `json:"enforcer,omitempty"`
	Rules    int     `json:"rules"` // -1: unknown
	Calls    float64 `json:"calls_per_op"`
	HookNs   float64 `json:"hook_ns_per_op"`
	Mean     float64 `json:"mean_ns"`
	// Typical is the mean without calls that were interrupted, and Err its standard error. In runs of older
	// versions Typical is 0, and Err that of Mean.
	Typical float64 `json:"typical_ns,omitempty"`
	Err     float64 `json:"mean_err_ns"`
	// Scatter and Rare are what Err consists of, where it is above half a nanosecond: the scatter of the other
	// calls, and what those leave uncertain that were interrupted. Runs of older versions lack them.
	Scatter float64 `json:"scatter_err_ns,omitempty"`
	Rare    float64 `json:"rare_err_ns,omitempty"`
	P50     float64 `json:"p50_ns"` // of the hook cost of a call; 0 in runs of older versions
	P99     float64 `json:"p99_ns"`
	Denials uint64  `json:"denials"`
}

// Syscall returns the time of a syscall in the cell, or nil if it was not measured.
func (e *Explained) Syscall(name string) *SyscallTime {
	for i := range e.Syscalls {
		if s := &e.Syscalls[i]; s.Syscall == name && s.Calls > 0 && s.Ns > 0 {
			return s
		}
	}
	return nil
}

// Explain divides the costs of a profile by the number of operations during it.
func Explain(costs *profile.Costs, ops float64) Explained {
	s := costs.Snapshot()
	e := Explained{
		Ops: ops, HookNs: costs.Hook / ops, Completeness: s.Total().Completeness(),
		Calibrated: s.Calibration.Applies(),
		Rows:       []ExplainedRow{},
	}
	for i := range costs.Rows {
		c := &costs.Rows[i]
		calls := float64(c.Calls) / ops
		e.Calls += calls
		interrupts, scatter, rare := interruptions(&c.Readings, float64(c.Sum))
		e.Rows = append(e.Rows, ExplainedRow{
			Syscall: c.Syscall, Hook: c.Program.Hook, Program: c.Program.Name, Enforcer: c.Program.Enforcer,
			Rules: c.Rules, Calls: calls,
			HookNs: c.Hook / ops,
			Mean:   c.Mean(), Typical: max(0, c.Mean()-interrupts), Err: errorOf(scatter, rare),
			Scatter: scatter,
			Rare:    rare, P50: c.Quantile(0.5), P99: c.Quantile(0.99),
			Denials: c.Denials,
		})
	}
	return e
}

// interruptions returns by how much calls that were interrupted, by another process or an interrupt, raise the mean of
// the readings, in ns, and the standard error of the mean without them in two parts: what the scatter of the other
// calls leaves, and what the interrupted ones do.
//
// Few calls are interrupted, but for so long that the mean of a short profile run depends on how many there were. They
// are recognized by lying far above the quartiles. Two things say what the other calls took together. The sum of all
// readings is exact, and that of the interrupted ones known to within the widths of their buckets. And the others are
// known to within the widths of theirs. Each counts by how certain it is. Calls vary as their buckets say: they are
// skewed, so that the distance of the quartiles does not tell.
func interruptions(h *profile.Histogram, sum float64) (above, scatter, rare float64) {
	const far = 8
	n := float64(h.Count())
	if n == 0 {
		return 0, 0, 0
	}
	low, high := evenQuantile(h, n/4), evenQuantile(h, n*3/4)
	fence := high + far*(high-low)
	var interrupted, ns, uncertain float64 // their number, sum, and its variance
	var least, most, squares float64       // of the others: bounds of the sum, and the sum of squares
	for i, count := range h {
		if count == 0 {
			continue
		}
		from, to := profile.Bounds(i)
		endless := i == profile.Buckets-1
		if endless {
			to = from
		}
		c, middle, width := float64(count), float64(from)+float64(to-from)/2, float64(to-from)
		if float64(from) <= fence {
			least, most = least+c*float64(from), most+c*float64(to)
			squares += c * (middle*middle + width*width/12)
			continue
		}
		interrupted, ns, uncertain = interrupted+c, ns+c*middle, uncertain+c*width*width/12
		if endless {
			uncertain = math.Inf(1)
		}
	}
	rest := n - interrupted
	others := (least + most) / 2
	mean := others / rest
	if interrupted > 0 {
		ofBuckets := (most - least) * (most - least) / 12
		ofSum := 1 / (1 + uncertain/ofBuckets) // the weight of the exact sum
		others += ofSum * (sum - ns - others)
		others = min(max(others, least), most)
		above = sum/n - others/rest
		rare = math.Sqrt((1-ofSum)*ofBuckets) / rest
	}
	return max(0, above), math.Sqrt(max(0, squares/rest-mean*mean) / rest), rare
}

// errorOf returns the standard error of a mean: at least half a nanosecond, the step of the clock.
func errorOf(scatter, rare float64) float64 { return max(0.5, math.Hypot(scatter, rare)) }

// evenQuantile returns the reading of a rank if those of each bucket lie evenly in it. [profile.Histogram.Quantile]
// stays near the middle of a bucket, for the sake of its error bound, so that two quartiles in one bucket would seem
// alike.
func evenQuantile(h *profile.Histogram, rank float64) float64 {
	for i, count := range h[:profile.Buckets-1] {
		c := float64(count)
		if rank <= c {
			from, to := profile.Bounds(i)
			return float64(from) + float64(to-from)*rank/max(c, 1)
		}
		rank -= c
	}
	from, _ := profile.Bounds(profile.Buckets - 1)
	return float64(from)
}

// beyond returns e with only the hook cost that base, the cell of the baseline, does not have as well: functions of the
// kernel run in both. The cost of a call stays.
func (e Explained) beyond(base Explained) Explained {
	if len(base.Rows) == 0 {
		return e
	}
	type key struct{ syscall, hook, program string }
	before := map[key]float64{}
	for _, r := range base.Rows {
		before[key{r.Syscall, r.Hook, r.Program}] += r.HookNs
	}
	e.HookNs, e.Rows = 0, slices.Clone(e.Rows)
	for i := range e.Rows {
		r := &e.Rows[i]
		k := key{r.Syscall, r.Hook, r.Program}
		less := min(before[k], r.HookNs)
		before[k] -= less
		r.HookNs -= less
		e.HookNs += r.HookNs
	}
	return e
}

// Exposed reports whether the enforcer runs in the test. Calls that are rarer than one in ten thousand operations
// belong to the test's own bookkeeping.
func (e Explained) Exposed() bool { return e.Calls > 1e-4 }

// Loss returns the loss that the hooks explain, given the rate of one copy without them, in operations per second. An
// operation that takes t without hooks takes t+h with them, so that t/(t+h) of the score is left.
func (e Explained) Loss(baseline float64) float64 {
	if baseline <= 0 {
		return 0
	}
	t := 1e9 / baseline
	return e.HookNs / (t + e.HookNs)
}
