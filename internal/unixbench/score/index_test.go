package score

import (
	"math"
	"testing"
)

// The figures are those of testdata/run-index-i1, which UnixBench wrote.
func TestIndexOfTwelve(t *testing.T) {
	scores := map[string]float64{
		"dhry2reg": 26469036.5, "whetstone-double": 4648.9, "execl": 930.2, "fstime": 402344,
		"fsbuffer": 125526, "fsdisk": 2495675,
		"pipe": 1822218, "context1": 21320.4, "spawn": 4803.4, "shell1": 5129.7, "shell8": 1223.8,
		"syscall": 1492348.2,
	}
	perTest, system, partial := Index(scores)
	if partial || tenth(system) != 825.7 {
		t.Errorf("index %.3f, partial %t, want 825.7", system, partial)
	}
	for test, want := range map[string]float64{
		"dhry2reg": 2268.1, "execl": 216.3, "fsdisk": 4302.9,
		"context1": 53.3, "shell8": 2039.7,
	} {
		// UnixBench computes with more digits than it prints: the last may differ by one.
		if got := perTest[test]; math.Abs(got-want) > 0.11 {
			t.Errorf("%s: index %.2f, want %.1f", test, got, want)
		}
	}
}

func TestIndexLeavesOut(t *testing.T) {
	perTest, system, partial := Index(map[string]float64{
		"pipe": 12440, "openclose": 5, "nonsense": 1, "execl": 0,
		"spawn": math.NaN(),
	})
	if len(perTest) != 1 || tenth(system) != 10 || !partial {
		t.Errorf("index %v, %v, partial %t; want only pipe's, 10, partial", perTest, system, partial)
	}
	if perTest, system, partial := Index(nil); len(perTest) != 0 || system != 0 || !partial {
		t.Errorf("index of nothing: %v, %v, %t", perTest, system, partial)
	}
}

func TestReduceDropsByCount(t *testing.T) {
	for _, c := range []struct{ passes, kept int }{{0, 0}, {1, 1}, {2, 2}, {3, 2}, {5, 4}, {6, 4}, {10, 7}} {
		passes := make([]Pass, c.passes)
		for i := range passes {
			passes[i] = Pass{Count: float64(i + 1), Timebase: 1, Time: 1}
		}
		if _, kept := Reduce(passes); kept != c.kept {
			t.Errorf("%d of %d passes kept, want %d", kept, c.passes, c.kept)
		}
	}
	// The second pass has the lower rate, but the first the lower count.
	score, _ := Reduce([]Pass{
		{Count: 10, Timebase: 1, Time: 1},
		{Count: 20, Timebase: 1, Time: 10},
		{Count: 30, Timebase: 1, Time: 4},
	})
	if want := math.Sqrt(2 * 7.5); math.Abs(score-want) > 1e-12 {
		t.Errorf("score %v, want %v", score, want)
	}
}

func tenth(v float64) float64 { return math.Round(v*10) / 10 }
