package profile

import (
	"math/rand/v2"
	"regexp"
	"slices"
	"testing"
)

// The parts of a row add up to its rounded values, whatever they are.
func TestLeavesAddUp(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		calls, body := r.Float64()*1e4, r.Float64()*1e6
		values := [valueCount]float64{calls, calls * r.Float64() * 1.2, body, body * (0.8 + r.Float64())}
		var sum, want [valueCount]float64
		for _, l := range leavesOf(values) {
			for i, v := range l.values {
				if v < 0 {
					t.Fatalf("%v: %s has %v", values, l.frame, l.values)
				}
				sum[i] += v
			}
		}
		for i, v := range values {
			want[i] = float64(int64(v + 0.5))
		}
		if sum != want {
			t.Fatalf("the leaves of %v add up to %v", values, sum)
		}
	}
}

func TestDeniedCallsAreApart(t *testing.T) {
	p, err := costs(t, sample()).Profile()
	if err != nil {
		t.Fatal(err)
	}
	denied := 0
	for _, s := range p.Sample {
		isDenied := s.Location[0].Line[0].Function.Name == leafDenied
		if isDenied {
			denied++
		}
		if isDenied != (s.Value[valueDenials] > 0) || isDenied && s.Value[valueCalls] != s.Value[valueDenials] {
			t.Errorf("%s has the values %v", s.Location[0].Line[0].Function.Name, s.Value)
		}
	}
	if denied != 1 {
		t.Errorf("%d samples of denied calls, want 1", denied)
	}
}

// pprof takes what this expression finds for a package, and gives each package a colour. It drops the package and the
// dot where space is short. The names of pods have slashes, so pprof finds no package in them.
func TestPprofColoursByLevel(t *testing.T) {
	packageOf := regexp.MustCompile(`^((.*/)?[\w\d_]+)(\.|::)([^/]*)$`)
	p, err := costs(t, sample()).Profile()
	if err != nil {
		t.Fatal(err)
	}
	var levels []string
	for _, f := range p.Function {
		level := ""
		if m := packageOf.FindStringSubmatch(f.Name); m != nil {
			level = m[1]
		}
		levels = append(levels, level)
	}
	slices.Sort(levels)
	want := []string{"", "cost", "hook", "kernel", "outcome", "program", "rules", "syscall", "workload"}
	if got := slices.Compact(levels); !slices.Equal(got, want) {
		t.Errorf("pprof sees the packages %q, want %q", got, want)
	}
}
