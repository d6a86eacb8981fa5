package tracefmt

import (
	"testing"

	"github.com/lsmprof/lsmprof/tracer"
)

func TestCensus(t *testing.T) {
	var c Census
	if got, want := c.String(), "in a second without it there was none either"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	for comm, calls := range map[string]int{"cat": 3, "sh\x1b": 1200, "mv": 3} {
		for range calls {
			e := tracer.Event{Comm: comm, Body: float64(calls)}
			if comm == "mv" {
				e.Return = -13
			}
			c.add(&e, e.Comm)
		}
	}
	want := "in a second without it there were 1,206 calls by sh?, cat and mv; " +
		"3 were denied, the slowest took 1.20 µs"
	if got := c.String(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	for comm := range 10 {
		e := tracer.Event{Comm: string(rune('A' + comm))}
		c.add(&e, e.Comm)
	}
	want = "in a second without it there were 1,216 calls by sh?, cat, mv, A, B, C, D, E and 5 others; " +
		"3 were denied, the slowest took 1.20 µs"
	if got := c.String(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
