package bench

import (
	"context"
	"maps"
	"strings"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/inforce"
	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/vmtest"
	"github.com/lsmprof/lsmprof/tracer"
)

// fakeRules returns readings of the only namespace of these tests, that of this process.
type fakeRules struct {
	read   func() inforce.Reading
	closed bool
}

func (r *fakeRules) Read() (inforce.Reading, error) { return r.read(), nil }

func (r *fakeRules) Close() error {
	r.closed = true
	return nil
}

func reading(programs int, policies map[uint32]enforcer.Policy) inforce.Reading {
	if programs == 0 {
		return inforce.Reading{}
	}
	e := inforce.Enforcer{Name: "reference", RulesKnown: true, Policies: policies}
	for i := range programs {
		e.Programs = append(e.Programs, tracer.Program{ID: ebpf.ProgramID(i + 1)})
	}
	return inforce.Reading{Enforcers: []inforce.Enforcer{e}}
}

// load adds a program to the reference enforcer of a reading.
func load(r *inforce.Reading, id int) {
	e := &r.Enforcers[0]
	e.Programs = append(e.Programs, tracer.Program{ID: ebpf.ProgramID(id)})
}

func TestCheckOfScenarios(t *testing.T) {
	all := rundir.ReferenceScenarios([]enforcer.Rules{{File: 8}}, []string{"8"})
	removed, noPolicy, allow, rules8 := all[0], all[1], all[2], all[3]
	external := rundir.Scenario{
		Name: "external", State: "scenario external", Setup: &rundir.Step{},
		Expect: &rundir.Expect{Rules: enforcer.Rules{File: 8}},
	}
	without := external
	without.Expect = &rundir.Expect{None: true}
	const ns = 7
	policy := func(file int) map[uint32]enforcer.Policy {
		return map[uint32]enforcer.Policy{ns: {Rules: enforcer.Rules{File: file}}}
	}
	for name, c := range map[string]struct {
		scenario rundir.Scenario
		reading  inforce.Reading
		want     string // empty: in force
	}{
		"removed": {removed, reading(0, nil), ""},
		"still attached": {
			removed, reading(12, nil),
			"12 programs of the reference enforcer are attached",
		},
		"not attached":           {noPolicy, reading(0, nil), "no program of the reference enforcer"},
		"no policy":              {noPolicy, reading(12, nil), ""},
		"an unexpected policy":   {noPolicy, reading(12, policy(1)), "have a policy for it, file=1"},
		"a policy without rules": {allow, reading(12, policy(0)), ""},
		"a missing policy":       {allow, reading(12, nil), "have no policy"},
		"eight rules":            {rules8, reading(12, policy(8)), ""},
		"seven": {
			rules8, reading(12, policy(7)),
			"show file=7,exec=0,net=0,mount=0,cap=0,ptrace=0, not file=8",
		},
		"external": {external, reading(12, policy(8)), ""},
		"external, other rules": {
			external, reading(12, policy(1)),
			"show file=1,exec=0,net=0,mount=0,cap=0,ptrace=0 (reference), not file=8",
		},
		"external, nothing attached": {external, reading(0, nil), "no policy, not file=8"},
		"external without policy":    {without, reading(12, nil), ""},
		"external, a policy":         {without, reading(12, policy(1)), "have a policy"},
		"external, no enforcer":      {without, reading(0, nil), "no enforcer that lsmprof knows"},
	} {
		err := check(c.scenario, c.reading, []uint32{ns})
		if c.want == "" && err != nil || c.want != "" && (err == nil ||
			!strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// inForce returns readings that follow the fake enforcer's state. They have no policies, because all slots share one
// namespace.
func inForce(f *fakeSuite, n *int, spoil func(n int, r *inforce.Reading)) func() inforce.Reading {
	return func() inforce.Reading {
		*n++
		r := reading(0, nil)
		if f.enforcer.state == rundir.Installed {
			r = reading(12, nil)
		}
		if spoil != nil {
			spoil(*n, &r)
		}
		return r
	}
}

func plainPlan() rundir.Plan {
	p := shortPlan()
	p.Scenarios = rundir.WithSecondBaseline([]rundir.Scenario{
		{Name: "not-installed", State: rundir.Removed},
		{Name: "no-policy", State: rundir.Installed},
	})
	return p
}

func TestWhatIsInForceIsRecorded(t *testing.T) {
	d := newDir(t, plainPlan())
	defer d.Close()
	b, f := fakeBench(t, d)
	reads := 0
	rules := &fakeRules{read: inForce(f, &reads, nil)}
	b.Rules = rules
	if err := b.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	if !rules.closed {
		t.Error("the reader is still open")
	}
	for _, r := range d.Results() {
		want := map[string]int{}
		if r.Scenario == "no-policy" {
			want["reference"] = 12
		}
		if r.InForce == nil || !maps.Equal(r.InForce.Programs, want) || len(r.InForce.Policies) != 0 ||
			len(r.Discarded) != 0 {
			t.Errorf("%s, round %d: %+v, discarded %q", r.Scenario, r.Round, r.InForce, r.Discarded)
		}
	}
}

func TestARoundWithChangedRulesIsRepeated(t *testing.T) {
	for _, order := range []string{rundir.Interleaved, rundir.Sequential} {
		t.Run(order, func(t *testing.T) {
			p := plainPlan()
			p.Order = order
			d := newDir(t, p)
			defer d.Close()
			b, f := fakeBench(t, d)
			reads, changed := 0, false
			b.Rules = &fakeRules{read: inForce(f, &reads, func(n int, r *inforce.Reading) {
				// Once, a program is loaded after the state was verified.
				if n > 6 && !changed && f.enforcer.state == rundir.Installed {
					changed = true
					load(r, 99)
				}
			})}
			if err := b.Run(context.Background()); err != nil {
				t.Fatal(err)
			}
			discarded := 0
			for _, r := range d.Results() {
				for _, why := range r.Discarded {
					discarded++
					if !strings.Contains(why,
						"programs were attached or detached while no-policy was measured") {
						t.Errorf("discarded because %q", why)
					}
				}
			}
			if discarded == 0 || f.enforcer.forgot != 1 {
				t.Errorf("%d results have a discarded attempt, Forget was called %d times", discarded,
					f.enforcer.forgot)
			}
			if got, want := len(d.Results()), 3*2*d.Info.Plan.Rounds(d.Info.Plan.Tests[0]); got != want {
				t.Errorf("%d results, want %d", got, want)
			}
		})
	}
}

func TestRulesThatNeverStayEndTheBench(t *testing.T) {
	d := newDir(t, plainPlan())
	defer d.Close()
	b, f := fakeBench(t, d)
	reads := 0
	b.Rules = &fakeRules{read: inForce(f, &reads, func(n int, r *inforce.Reading) {
		if f.enforcer.state == rundir.Installed {
			load(r, 100+n)
		}
	})}
	err := b.Run(context.Background())
	if err == nil || !strings.Contains(err.Error(), "4 times in a row: something else manages these rules") {
		t.Error(err)
	}
	if len(d.Results()) != 0 || f.enforcer.closed != 1 {
		t.Errorf("%d results, enforcer closed %d times", len(d.Results()), f.enforcer.closed)
	}
}

// Rounds on a busy machine are repeated once, but at most a quarter of them. Those that stay disturbed are marked.
func TestDisturbedRoundsAreRepeated(t *testing.T) {
	vmtest.OnOneKernel(t)
	for name, c := range map[string]struct {
		disturbed func(n int) bool
		repeated  int
		busy      int
	}{
		"one":    {func(n int) bool { return n == 3 }, 1, 0},
		"always": {func(int) bool { return true }, 3, 12},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDir(t, plainPlan())
			defer d.Close()
			b, f := fakeBench(t, d)
			n, parts := 0, 0
			f.around = func() rundir.Interference {
				// A round has three phases.
				parts++
				n = (parts + 2) / 3
				return rundir.Interference{Foreign: map[bool]float64{true: 2}[c.disturbed(n)], Wall: 1}
			}
			if err := b.Run(context.Background()); err != nil {
				t.Fatal(err)
			}
			repeated, busy := 0, 0
			for _, r := range d.Results() {
				if r.Test != "a" || r.Scenario != "no-policy" {
					continue
				}
				if len(r.Discarded) == 1 && strings.Contains(r.Discarded[0],
					"other processes kept 2.0 CPUs busy") {
					repeated++
				}
				if r.Interference.Busy {
					busy++
				}
			}
			if repeated != c.repeated || busy != c.busy || n != 12+c.repeated {
				t.Errorf("%d repeated, %d busy, %d attempts", repeated, busy, n)
			}
			warnings := strings.Join(d.Analysis().Warnings, "; ")
			if !strings.Contains(warnings, " repeated, first") {
				t.Errorf("no warning: %s", warnings)
			}
		})
	}
}
