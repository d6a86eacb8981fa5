package serve

import (
	"fmt"
	"math"
	"testing"
	"time"

	pprof "github.com/google/pprof/profile"

	"github.com/lsmprof/lsmprof/profile"
)

func TestBoundedKeepsItsBoundAndCounts(t *testing.T) {
	b := newBounded[string, int](20)
	now := time.Unix(0, 0)
	for i := range 100 {
		*b.at(now, fmt.Sprint("w", i), fmt.Sprint("hook", i%3), "all")++
	}
	// 18 rows have their own names and two the names of hooks; the third hook is in "all".
	if len(b.rows) != 21 || b.overflow != 82 {
		t.Errorf("%d rows, %d overflows; want 21 and 82", len(b.rows), b.overflow)
	}
	sum := 0
	for _, r := range b.rows {
		sum += r.value
	}
	if sum != 100 {
		t.Errorf("the rows add up to %d, want 100", sum)
	}
}

func TestBoundedExpiresOldRows(t *testing.T) {
	b := newBounded[string, int](20)
	for i := range 20 {
		*b.at(time.Unix(int64(i), 0), fmt.Sprint(i))++
	}
	b.expire(time.Unix(15, 0))
	if len(b.rows) != 5 {
		t.Errorf("%d rows, want the 5 newest", len(b.rows))
	}
	b.expire(time.Unix(1000, 0))
	if len(b.rows) != 5 {
		t.Error("rows expired although there was room")
	}
}

// On a node where new pods start for ever, the metrics stay bounded and the totals right.
func TestLedgerUnderChurn(t *testing.T) {
	const limit, pods = 100, 1000
	now := time.Unix(0, 0)
	l := newLedger(limit, func() time.Time { return now })
	for i := range pods {
		w := profile.Workload{MntNS: uint32(i + 1), Namespace: "n", Pod: fmt.Sprint("p", i), Container: "c"}
		r := profile.Row{Syscall: "openat", Rules: i, Workload: w}
		r.Readings.Add(1000)
		r.Sum = 1000
		s := profile.Snapshot{
			Start: now, Duration: time.Second, Rows: []profile.Row{r},
			Programs: []profile.Program{{Name: "p", Hook: "file_open", Enforcer: "reference", Timed: 1}},
		}
		if err := l.add(s, nil); err != nil {
			t.Fatal(err)
		}
	}
	if len(l.calls.rows) > limit || len(l.syscalls.rows) > limit || len(l.rules.rows) > limit {
		t.Errorf("%d, %d and %d series; want at most %d", len(l.calls.rows), len(l.syscalls.rows),
			len(l.rules.rows), limit)
	}
	if l.calls.overflow != pods-limit*9/10 {
		t.Errorf("%d overflows, want %d", l.calls.overflow, pods-limit*9/10)
	}
	var sum uint64
	for _, r := range l.calls.rows {
		sum += r.value.calls
	}
	if sum != pods {
		t.Errorf("%d calls, want %d", sum, pods)
	}
	folded := l.calls.rows[callSeries{program{"reference", "file_open", "p"}, otherWorkload}]
	if folded == nil || folded.value.calls != l.calls.overflow {
		t.Errorf("%v under [other] with program and hook, want %d calls", folded, l.calls.overflow)
	}
}

// A full table has room for new series once old ones have not changed for an hour.
func TestOldSeriesMakeRoom(t *testing.T) {
	const limit = 100
	began := time.Unix(0, 0)
	now := began
	l := newLedger(limit, func() time.Time { return now })
	add := func(pod int) {
		t.Helper()
		r := profile.Row{
			Syscall: "openat", Preempted: 1,
			Workload: profile.Workload{MntNS: uint32(pod + 1), Namespace: "n", Pod: fmt.Sprint("p", pod)},
		}
		err := l.add(profile.Snapshot{
			Start: now, Duration: time.Second, Rows: []profile.Row{r},
			Programs: []profile.Program{{
				Name: "p", Hook: "file_open", Enforcer: "reference",
				Preempted: 1,
			}},
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
	}
	for pod := range limit {
		add(pod)
	}
	for _, step := range []struct {
		after    time.Duration
		overflow uint64
	}{{0, 10}, {idleAfter, 11}, {idleAfter + 1, 11}} {
		if now = began.Add(step.after); step.after > 0 {
			add(limit + int(step.after%1000))
		}
		if l.calls.overflow != step.overflow {
			t.Errorf("after %v: %d overflows, want %d", step.after, l.calls.overflow, step.overflow)
		}
	}
}

// A cumulative profile that is full begins anew with what was measured last.
func TestFullProfileBeginsAnew(t *testing.T) {
	l := newLedger(100, time.Now)
	for part, want := range []struct {
		samples  int
		restarts uint64
	}{{maxSamples - 1, 0}, {maxSamples, 0}, {1, 1}} {
		p := &pprof.Profile{
			SampleType: []*pprof.ValueType{{Type: "calls", Unit: "count"}}, PeriodType: &pprof.ValueType{},
		}
		for i := range max(1, (maxSamples-1)*(1-part)) {
			pod := map[string][]string{"pod": {fmt.Sprint("p", part, "-", i)}}
			p.Sample = append(p.Sample, &pprof.Sample{Value: []int64{1}, Label: pod})
		}
		l.pending = append(l.pending, p)
		if err := l.merge(); err != nil {
			t.Fatal(err)
		}
		if len(l.total.Sample) != want.samples || l.restarts != want.restarts {
			t.Errorf("%d samples after %d restarts, want %+v", len(l.total.Sample), l.restarts, want)
		}
	}
}

// The sum of a histogram over its count is the mean, so it must be inside the bucket that holds equal calls.
func TestHistogramDoesNotContradictItsMean(t *testing.T) {
	for _, reading := range []uint64{90, 240, 260, 2200, 8670, 67_600, 3_000_000} {
		l := newLedger(100, time.Now)
		r := profile.Row{Syscall: "openat", Workload: web}
		for range 10 {
			r.Readings.Add(reading)
			r.Sum += reading
		}
		s := profile.Snapshot{
			Start: time.Now(), Duration: time.Second, Rows: []profile.Row{r}, Calibration: calibration,
			Programs: []profile.Program{{Name: "p", Hook: "file_open", Enforcer: "reference", Timed: 10}},
		}
		if err := l.add(s, nil); err != nil {
			t.Fatal(err)
		}
		for _, row := range l.calls.rows {
			mean := row.value.timed / 10
			h := row.value.histogram
			classic, lower := len(histogramBounds), math.Inf(-1)
			for i, upper := range histogramBounds {
				if lower < mean && mean <= upper {
					classic = i
				}
				lower = upper
			}
			if got := h.classic[classic]; got != 10 {
				t.Errorf("%d of 10 calls are in the bucket of their mean, %g ns", got, mean)
			}
			if mean <= 0 {
				if h.zero != 10 {
					t.Errorf("%d of 10 calls are in the bucket of 0, want all: their mean is %g ns",
						h.zero, mean)
				}
				continue
			}
			for i, n := range h.native {
				lower, upper := math.Exp2(float64(i-1)/8)*1e9, math.Exp2(float64(i)/8)*1e9
				if n != 10 || mean <= lower || mean > upper {
					t.Errorf("%d calls in the native bucket (%g, %g] ns, want 10 around %g", n,
						lower, upper, mean)
				}
			}
		}
	}
}
