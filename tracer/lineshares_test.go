package tracer_test

import (
	"context"
	"maps"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/internal/vmtest"
	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

// instructions returns what a line of sections.bpf.c takes per call on amd64: three per turn, and one more each time.
func instructions(program, line string) float64 {
	times := 1.0
	if line == "callback" {
		times = 10
	}
	return 3*sectionTruth[program][line] + times
}

// bodiesOf returns what a call of each program takes without samples, in ns: the least of three measurements, because
// interrupts only ever add.
func bodiesOf(t *testing.T, calls map[string]func()) map[string]float64 {
	t.Helper()
	cal, err := tracer.Calibrate(context.Background(), tracer.CalibrateOptions{Sleepable: true})
	if err != nil {
		t.Fatal(err)
	}
	bodies := map[string]float64{}
	for range 3 {
		for name, ns := range meanBodies(t, cal, calls) {
			if least, ok := bodies[name]; !ok || ns < least {
				bodies[name] = ns
			}
		}
	}
	t.Logf("bodies without samples: %v", bodies)
	return bodies
}

func meanBodies(t *testing.T, cal profile.Calibration, calls map[string]func()) map[string]float64 {
	t.Helper()
	tr, err := tracer.Start(context.Background(), tracer.Options{Calibration: cal})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	for _, call := range calls {
		callFor(20*time.Millisecond, call)
	}
	bodies := map[string]float64{}
	c := costsSince(t, tr, &profile.Snapshot{})
	for _, row := range c.Rows {
		bodies[row.Program.Name] = row.Body / float64(row.Calls)
	}
	return bodies
}

// costsSince returns what was recorded since a snapshot, which it moves to now.
func costsSince(t *testing.T, tr *tracer.Tracer, before *profile.Snapshot) profile.Costs {
	t.Helper()
	if err := tr.Poll(context.Background()); err != nil {
		t.Fatal(err)
	}
	now, err := tr.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	part := now
	if !before.Start.IsZero() {
		if part, err = now.Since(*before); err != nil {
			t.Fatal(err)
		}
	}
	*before = now
	c, err := part.Costs()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Each section takes a known share of the instructions. In 95 of 100 recordings the interval of a section holds it,
// whatever the rate; the shares of all recordings together are those of the instructions; and the lines add up to the
// exact body.
//
// The samples of a program are shared among its lines: where one has too many, another has too few. So the intervals of
// one recording fail together. Only one line of each counts, the next one in the next recording: with that, more than
// 14 % of the intervals fail by chance less than once in 50,000 runs, even if each does in 6 of 100.
func TestIcountSharesOfSections(t *testing.T) {
	r := vmtest.Guest(t)
	calls := attachSections(t)
	bodies := bodiesOf(t, calls)
	for name, ns := range bodies {
		switch {
		case ns > 0:
		case name == "sections_sleepable" && r.AtLeast(7, 0) && !tracer.HasCX16():
			delete(calls, name) // sleepable programs have no times there, see TestSleepablePrograms
		default:
			t.Fatalf("%s has no times", name)
		}
	}
	// An instruction is a nanosecond. Interrupts lengthen the bodies, so shares are compared.
	truth := func(program, line string) float64 { return instructions(program, line) / bodies[program] }
	intervals, failed := 0, 0
	for _, rate := range []struct{ hz, recordings int }{{1000, 8}, {20_000, 60}} {
		hz := rate.hz
		tr, err := tracer.Start(context.Background(), tracer.Options{Lines: hz})
		if err != nil {
			t.Fatal(err)
		}
		var before profile.Snapshot
		for i := range rate.recordings {
			for _, call := range calls {
				for range 2 {
					callFor(time.Duration(150_000/hz)*time.Millisecond, call)
					if err := tr.Poll(context.Background()); err != nil {
						t.Fatal(err)
					}
				}
			}
			part := costsSince(t, tr, &before)
			for _, p := range part.Lines(nil) {
				lines := slices.Sorted(maps.Keys(sectionTruth[p.Program]))
				if len(lines) == 0 || calls[p.Program] == nil {
					continue
				}
				line := lines[i%len(lines)]
				low, high := 0.0, 0.0
				for _, l := range p.Lines {
					if lineOf(l) == line {
						low, high = p.Share(l.Low), p.Share(l.High)
					}
				}
				intervals++
				if v := truth(p.Program, line); v < low || high < v {
					failed++
				}
			}
		}
		c, err := before.Costs()
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%d Hz, %s", hz, before.Inside.Fact())
		checkLines(t, &c, calls, truth)
		tr.Close()
	}
	t.Logf("%d of %d intervals do not hold the truth", failed, intervals)
	if intervals != 68*len(calls) || float64(failed) > 0.14*float64(intervals) {
		t.Errorf("%d of %d intervals do not hold the truth", failed, intervals)
	}
}

// checkLines compares the lines of all recordings with the truth, and with the bodies.
func checkLines(t *testing.T, c *profile.Costs, calls map[string]func(), truth func(program, line string) float64) {
	t.Helper()
	for _, p := range c.Lines(nil) {
		sum := 0.0
		for _, l := range p.Lines {
			sum += l.Body
			if _, compared := sectionTruth[p.Program][lineOf(l)]; !compared || calls[p.Program] == nil {
				continue
			}
			got, want := p.Share(l.Body), truth(p.Program, lineOf(l))
			t.Logf("%s: %s: %.4f of %d samples, in truth %.4f", p.Program, lineOf(l), got, p.Samples, want)
			// Five standard deviations, and what the bodies are uncertain by.
			if math.Abs(got-want) > 5*math.Sqrt(want*(1-want)/float64(p.Samples))+0.005 {
				t.Errorf("%s: %s: %.4f, in truth %.4f", p.Program, lineOf(l), got, want)
			}
		}
		for _, row := range c.Rows {
			if row.Program.Name == p.Program && len(row.Paths) > 0 {
				sum -= row.Body
			}
		}
		if math.Abs(sum) > 1e-6*p.Body {
			t.Errorf("the lines of %s are %v ns more than its body", p.Program, sum)
		}
	}
}
