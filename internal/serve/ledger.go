package serve

import (
	"strconv"
	"sync"
	"time"

	pprof "github.com/google/pprof/profile"

	"github.com/lsmprof/lsmprof/profile"
)

// other is the name of what found no room under its own.
const other = "[other]"

// idleAfter is how long a workload must have been silent for its series to make room for others.
const idleAfter = time.Hour

// ledger is everything measured since the server started.
type ledger struct {
	now func() time.Time

	mu       sync.Mutex
	programs *bounded[program, programTotals]
	calls    *bounded[callSeries, callTotals]
	syscalls *bounded[syscallSeries, costTotals]
	rules    *bounded[rulesSeries, costTotals]

	head     profile.Snapshot // of the last one, without programs and rows
	first    time.Time
	measured time.Duration
	probing  float64 // ns that the probes cost
	room     map[program]Room

	total          *pprof.Profile   // empty: nothing yet
	pending        []*pprof.Profile // not in total yet
	pendingSamples int
	restarts       uint64 // of total
}

// What the series differ in. The labels of Prometheus have the same names.
type (
	program    struct{ enforcer, hook, program string }
	workload   struct{ workload, namespace, pod, container string }
	callSeries struct {
		program
		workload
	}
	syscallSeries struct {
		syscall string
		workload
	}
	rulesSeries struct{ enforcer, hook, rules string }
)

// What is added up.
type (
	programTotals struct{ timed, preempted, missed uint64 }
	costTotals    struct {
		calls uint64
		hook  float64 // ns
	}
	callTotals struct {
		costTotals
		denials   uint64
		histogram [len(histogramBounds) + 1]uint64 // of the calls that have a time
		timed     float64                          // ns, of those
	}
)

// histogramBounds are upper bounds, ns. The last bucket has none.
var histogramBounds = [...]float64{100, 250, 500, 1e3, 2500, 5e3, 10e3, 25e3, 100e3, 1e6}

var otherWorkload = workload{workload: other}

func newLedger(limit int, now func() time.Time) *ledger {
	return &ledger{
		now: now, total: &pprof.Profile{}, programs: newBounded[program, programTotals](limit), calls: newBounded[callSeries, callTotals](limit),
		syscalls: newBounded[syscallSeries, costTotals](limit), rules: newBounded[rulesSeries, costTotals](limit),
	}
}

// add adds what was measured since the last call.
func (l *ledger) add(delta profile.Snapshot, room []Room) error {
	costs, err := delta.Costs()
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	l.programs.expire(now.Add(-idleAfter))
	l.calls.expire(now.Add(-idleAfter))
	l.syscalls.expire(now.Add(-idleAfter))
	l.rules.expire(now.Add(-idleAfter))

	for _, p := range delta.Programs {
		t := l.programs.at(now, programOf(p), program{other, other, other})
		t.timed += p.Timed
		t.preempted += p.Preempted
		t.missed += p.Missed
	}
	for i := range costs.Rows {
		l.addRow(&costs.Rows[i], now)
	}
	l.room = map[program]Room{}
	for _, r := range room {
		if r.Program < len(delta.Programs) {
			l.room[programOf(delta.Programs[r.Program])] = r
		}
	}
	if l.first.IsZero() {
		l.first = delta.Start
	}
	l.measured += delta.Duration
	l.probing += delta.ProbeCost()
	l.head = delta
	l.head.Programs, l.head.Rows = nil, nil
	return l.addProfile(&costs)
}

func (l *ledger) addRow(c *profile.Cost, now time.Time) {
	p, w := programOf(c.Program), workloadOf(c.Workload)
	t := l.calls.at(now, callSeries{p, w}, callSeries{p, otherWorkload}, callSeries{program{other, other, other}, otherWorkload})
	t.costTotals.add(c)
	t.denials += c.Denials
	c.EachTimed(func(hook float64, calls uint64) {
		t.histogram[bucket(hook)] += calls
	})
	if c.Calls > 0 {
		t.timed += c.Hook / float64(c.Calls) * float64(c.Readings.Count())
	}
	l.syscalls.at(now, syscallSeries{c.Syscall, w}, syscallSeries{c.Syscall, otherWorkload}, syscallSeries{other, otherWorkload}).add(c)
	l.rules.at(now, rulesSeries{p.enforcer, p.hook, rulesLabel(c.Rules)}, rulesSeries{p.enforcer, p.hook, other}, rulesSeries{other, other, other}).add(c)
}

func (t *costTotals) add(c *profile.Cost) {
	t.calls += c.Calls
	t.hook += c.Hook
}

func bucket(hook float64) int {
	for i, bound := range histogramBounds {
		if hook <= bound {
			return i
		}
	}
	return len(histogramBounds)
}

func programOf(p profile.Program) program { return program{p.Enforcer, p.Hook, p.Label()} }

func workloadOf(w profile.Workload) workload {
	if w == (profile.Workload{}) {
		return otherWorkload // found no counter in the kernel
	}
	return workload{w.Name(), w.Namespace, w.Pod, w.Container}
}

func rulesLabel(n int) string {
	if n == profile.RulesUnknown {
		return "unknown"
	}
	return strconv.Itoa(n)
}
