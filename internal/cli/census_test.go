package cli

import (
	"testing"

	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

func TestCensus(t *testing.T) {
	c := census{seen: map[string]uint64{}}
	if got, want := c.String(), "in a second without it there was none either"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	byComm := session{comm: "nosuch"}
	for comm, calls := range map[string]int{"cat": 3, "sh\x1b": 1200, "mv": 3} {
		for range calls {
			first := profile.Workload{Comm: "first"}
			e := tracer.Event{Comm: comm, Body: float64(calls), Workload: first}
			if comm == "mv" {
				e.Return = -13
			}
			c.add(&e, byComm.censusName(&e))
		}
	}
	want := "in a second without it there were 1,206 calls by sh?, cat and mv; " +
		"3 were denied, the slowest took 1.20 µs"
	if got := c.String(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	for comm := range 10 {
		e := tracer.Event{Comm: string(rune('A' + comm))}
		c.add(&e, byComm.censusName(&e))
	}
	want = "in a second without it there were 1,216 calls by sh?, cat, mv, A, B, C, D, E and 5 others; " +
		"3 were denied, the slowest took 1.20 µs"
	if got := c.String(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	e := tracer.Event{Comm: "cat", PID: 7, Workload: profile.Workload{Comm: "sh"}}
	for want, s := range map[string]*session{"cat (pid 7)": {pids: []uint{1}}, "sh": {mntns: []uint{1}}} {
		if got := s.censusName(&e); got != want {
			t.Errorf("name %q, want %q", got, want)
		}
	}
}
