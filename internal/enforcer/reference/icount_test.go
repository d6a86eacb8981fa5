package reference

import (
	"math"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/vmtest"
)

// Every rule that does not match costs the same number of instructions, whatever the number of rules.
func TestIcountCostIsLinear(t *testing.T) {
	vmtest.IcountGuest(t)
	// The least of many batches, because timer interrupts and the Go runtime only add.
	perOpen := func(n *namespace) (least float64) {
		const batches, calls = 40, 50
		err := n.do(func() error {
			for range batches {
				begin := time.Now()
				for range calls {
					fd, err := unix.Open("/proc/self/status", unix.O_RDONLY, 0)
					if err != nil {
						return err
					}
					unix.Close(fd)
				}
				if d := float64(time.Since(begin)) / calls; least == 0 || d < least {
					least = d
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return least
	}
	shared(t)
	unconfined := perOpen(newNamespace(t))
	none := perOpen(confine(t, Policy{}))
	cost := map[int]float64{}
	for _, rules := range []int{1, 8, 16, 32, 64} {
		cost[rules] = perOpen(confine(t, Policy{Fillers: enforcer.Rules{File: rules}}))
		t.Logf("%2d rules: open+close %.0f instructions, %+.0f", rules, cost[rules], cost[rules]-unconfined)
	}
	t.Logf("unconfined %.0f, confined without rules %+.0f", unconfined, none-unconfined)
	slope := (cost[64] - cost[8]) / 56
	t.Logf("%.1f instructions per rule", slope)
	if slope < 100 || slope > 300 {
		t.Errorf("a rule costs %.1f instructions, want 100 to 300", slope)
	}
	for _, rules := range []int{16, 32} {
		// Rules are looked up by hash, and depending on the map's seed some buckets hold several.
		if want := slope * float64(rules-8); math.Abs(cost[rules]-cost[8]-want) > 0.3*want {
			t.Errorf("%d rules cost %.0f more than 8, want %.0f as between 8 and 64", rules,
				cost[rules]-cost[8], want)
		}
	}
}
