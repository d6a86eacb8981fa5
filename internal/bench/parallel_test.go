package bench

import (
	"context"
	"strings"
	"testing"

	"github.com/lsmprof/lsmprof/internal/rundir"
)

// Several copies of a test run at once. Each has its own index, and their operations are added.
func TestCopies(t *testing.T) {
	p := plainPlan()
	p.CopyCPUs = []int{4, 5}
	test := p.Tests[0].WithCopies(3)
	if test.Name != "a-x3" || test.Base() != "a" || test.WithCopies(1).Name != test.Name {
		t.Fatalf("%+v", test)
	}
	p.Tests = append(p.Tests, test)
	d := newDir(t, p)
	defer d.Close()
	b, f := fakeBench(t, d)
	var started []int
	b.Suites[rundir.BuiltIn] = noting{f, func(s rundir.Test) {
		if strings.Contains(s.Name, "x3") {
			t.Errorf("the suite starts %s", s.Name)
		}
		if s.Copies == 3 {
			started = append(started, p.CPUsOf(s)...)
		}
	}}
	if err := b.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	if want := []int{4, 5, 4}; len(started) != 9 || started[0] != want[0] || started[1] != want[1] ||
		started[2] != want[2] {
		t.Errorf("copies on CPUs %v, want %v for each of three scenarios", started, want)
	}
	if *f.open != 0 {
		t.Errorf("%d copies left", *f.open)
	}
	scores := map[string]float64{}
	for _, c := range d.Analysis().Cells {
		if c.Scenario == "not-installed" {
			scores[c.Test] = c.Score
		}
	}
	if ratio := scores["a-x3"] / scores["a"]; ratio < 2.9 || ratio > 3.1 {
		t.Errorf("three copies score %.2f times one", ratio)
	}
}

type noting struct {
	Suite
	note func(rundir.Test)
}

func (n noting) Start(ctx context.Context, t rundir.Test, join int) (Worker, error) {
	n.note(t)
	return n.Suite.Start(ctx, t, join)
}
