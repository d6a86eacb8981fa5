package serve

import (
	"strconv"
	"strings"
	"sync"
	"time"

	pprof "github.com/google/pprof/profile"

	"github.com/lsmprof/lsmprof/profile"
)

// other is the label of series beyond the limit.
const other = "[other]"

// idleAfter is how long a series must have been unchanged before it may be deleted.
const idleAfter = time.Hour

// ledger holds everything that was measured since the server started.
type ledger struct {
	now func() time.Time

	mu       sync.Mutex
	programs *bounded[program, programTotals]
	calls    *bounded[callSeries, callTotals]
	syscalls *bounded[syscallSeries, costTotals]
	rules    *bounded[rulesSeries, costTotals]

	head     profile.Snapshot // the last difference, without programs and rows
	first    time.Time        // start of the first difference
	measured time.Duration
	probing  float64 // cost of the probes, ns
	usage    map[program]profile.CounterUsage

	total          *pprof.Profile   // without sample types: nothing was measured yet
	pending        []*pprof.Profile // differences that are not in total yet
	pendingSamples int
	restarts       uint64 // how often total started over
}

// The keys of the tables. Prometheus labels have the same names.
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

// The values of the tables.
type (
	programTotals struct{ timed, preempted, missed uint64 }
	costTotals    struct {
		calls uint64
		hook  float64 // cost, ns
	}
	callTotals struct {
		costTotals
		denials   uint64
		histogram costHistogram // of the calls with a time
		timed     float64       // their hook cost, ns
	}
)

var otherWorkload = workload{workload: other}

func newLedger(limit int, now func() time.Time) *ledger {
	return &ledger{
		now: now, total: &pprof.Profile{},
		programs: newBounded[program, programTotals](limit), calls: newBounded[callSeries, callTotals](limit),
		syscalls: newBounded[syscallSeries, costTotals](limit),
		rules:    newBounded[rulesSeries, costTotals](limit),
	}
}

// add adds what was measured since the last add.
func (l *ledger) add(delta profile.Snapshot, usage []profile.CounterUsage) error {
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
	l.usage = map[program]profile.CounterUsage{}
	for _, u := range usage {
		if u.Program >= 0 && u.Program < len(delta.Programs) {
			l.usage[programOf(delta.Programs[u.Program])] = u
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
	t := l.calls.at(now, callSeries{p, w}, callSeries{p, otherWorkload},
		callSeries{program{other, other, other}, otherWorkload})
	t.costTotals.add(c)
	t.denials += c.Denials
	c.EachTimed(t.histogram.add)
	if c.Calls > 0 {
		t.timed += c.Hook / float64(c.Calls) * float64(c.Readings.Count())
	}
	syscall, rules := label(c.Syscall), rulesLabel(c.Rules)
	l.syscalls.at(now, syscallSeries{syscall, w}, syscallSeries{syscall, otherWorkload},
		syscallSeries{other, otherWorkload}).add(c)
	l.rules.at(now,
		rulesSeries{p.enforcer, p.hook, rules}, rulesSeries{p.enforcer, p.hook, other},
		rulesSeries{other, other, other}).add(c)
}

func (t *costTotals) add(c *profile.Cost) {
	t.calls += c.Calls
	t.hook += c.Hook
}

func programOf(p profile.Program) program {
	return program{label(p.Enforcer), label(p.Hook), label(p.Label())}
}

func workloadOf(w profile.Workload) workload {
	if w == (profile.Workload{}) {
		return otherWorkload // no counter in the kernel was free
	}
	return workload{label(w.Name()), label(w.Namespace), label(w.Pod), label(w.Container)}
}

// label makes a name valid for Prometheus, which insists on UTF-8. All keys are made of labels: names that differ only
// in what label replaces are one series, where two equal ones would break the whole scrape.
func label(name string) string { return strings.ToValidUTF8(name, "?") }

func rulesLabel(n int) string {
	if n == profile.RulesUnknown {
		return "unknown"
	}
	return strconv.Itoa(n)
}
