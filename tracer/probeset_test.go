package tracer

import "testing"

// Of the missed calls this process's share is left out. While it grows, no snapshot has fewer than the one before.
func TestMissedCallsNeverBecomeFewer(t *testing.T) {
	target := &probedTarget{missed: 10}
	target.sum.Timed = 20
	set := &probeSet{order: []*probedTarget{target}}
	for _, c := range []struct{ own, missed, want uint64 }{
		{0, 10, 10},
		{60, 12, 10}, // a quarter of 12 would be 3
		{60, 80, 20},
		{180, 100, 20}, // a tenth of 100 would be 10
	} {
		target.own, target.missed = c.own, c.missed
		programs, err := set.programs()
		if err != nil || len(programs) != 1 || programs[0].Missed != c.want {
			t.Errorf("%d own calls, %d missed: %+v, %v, want %d missed", c.own, c.missed, programs, err,
				c.want)
		}
	}
}
