package bench

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/enforcer/reference"
	"github.com/lsmprof/lsmprof/internal/inforce"
	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/vmtest"
)

// beforeEach calls a function before every pass.
type beforeEach struct {
	Suite
	do func() error
}

func (b beforeEach) Start(ctx context.Context, t rundir.Test, join int) (Worker, error) {
	w, err := b.Suite.Start(ctx, t, join)
	return doFirst{w, b.do}, err
}

type doFirst struct {
	Worker
	do func() error
}

func (w doFirst) Slice(ctx context.Context, d, warmup time.Duration) (Sample, error) {
	if err := w.do(); err != nil {
		return Sample{}, err
	}
	return w.Worker.Slice(ctx, d, warmup)
}

// The registry reads the rules in force from the enforcer's maps. They survive detaching and attaching, and count only
// while the programs are attached.
func TestRulesOfTheReferenceEnforcerAreReadFromItsMaps(t *testing.T) {
	vmtest.Guest(t)
	vmtest.OnOneKernel(t)
	e, err := LoadReference()
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	maps := inforce.New(nil)
	defer maps.Close()
	w, err := namespaceSuite{}.Start(t.Context(), rundir.Test{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	ns, err := kernel.MountNamespace(fmt.Sprintf("/proc/%d", w.PID()))
	if err != nil {
		t.Fatal(err)
	}
	scenarios := rundir.ReferenceScenarios([]enforcer.Rules{{File: 1, Exec: 2}, {File: 8, Ptrace: 1}},
		[]string{"few", "more"})
	for round := range 2 {
		for _, s := range scenarios {
			if err := e.Switch(context.Background(), s.State); err != nil {
				t.Fatal(err)
			}
			before, err := maps.Read()
			if err != nil {
				t.Fatal(err)
			}
			if err := e.Confine(ns, s); err != nil {
				t.Fatal(err)
			}
			now, err := maps.Read()
			if err != nil {
				t.Fatal(err)
			}
			if err := check(s, now, []uint32{ns}); err != nil {
				t.Errorf("round %d, %s: %v", round, s.Name, err)
			}
			for _, other := range scenarios {
				same := other.State == s.State && other.Confined == s.Confined && other.Rules == s.Rules
				if err := check(other, now, []uint32{ns}); !same && err == nil {
					t.Errorf("round %d, %s passes for %s", round, s.Name, other.Name)
				}
			}
			if s.Confined && difference(before, now, []uint32{ns}) == "" {
				t.Errorf("round %d, %s: the replaced rules go unnoticed", round, s.Name)
			}
			// A policy with the same numbers of rules is still another policy.
			if s.Confined {
				if err := e.enforcer.Confine(ns, reference.Policy{Fillers: s.Rules}); err != nil {
					t.Fatal(err)
				}
				if again, err := maps.Read(); err != nil || difference(now, again, []uint32{ns}) == "" {
					t.Errorf("round %d, %s: an equal policy is unnoticed (%v)", round, s.Name, err)
				}
			}
		}
	}
}

// If policies disappear in the middle of a round, the round is discarded and the rules are put in force again.
func TestRulesThatGoAwayAreNoticed(t *testing.T) {
	vmtest.Guest(t)
	vmtest.OnOneKernel(t)
	ref, err := LoadReference()
	if err != nil {
		t.Fatal(err)
	}
	p := testPlan()
	p.Runs, p.Tests = 2, []rundir.Test{{Name: "a", Kind: rundir.Command, Run: "true", Better: rundir.Lower}}
	p.Scenarios = rundir.ReferenceScenarios([]enforcer.Rules{{File: 8}}, []string{"8"})
	d := newDir(t, p)
	defer d.Close()
	passes := 0
	spoil := func() error {
		if passes++; passes != 7 {
			return nil
		}
		for ns := range ref.inForce {
			if err := ref.enforcer.Release(ns); err != nil {
				return err
			}
		}
		return nil
	}
	b := &Bench{
		Dir: d, Suites: map[rundir.Kind]Suite{rundir.Command: beforeEach{
			namespaceSuite{},
			spoil,
		}}, Enforcer: ref,
		Rules: inforce.New(nil),
	}
	if err := b.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	discarded := 0
	for _, r := range d.Results() {
		discarded += len(r.Discarded)
		if r.Scenario == "rules=8" && r.InForce.Policies["reference"] != (enforcer.Rules{File: 8}) {
			t.Errorf("round %d: %+v", r.Round, r.InForce)
		}
		if len(r.Discarded) > 0 && !strings.Contains(r.Discarded[0], "were replaced") {
			t.Errorf("round %d was discarded because %q", r.Round, r.Discarded)
		}
	}
	if discarded == 0 {
		t.Error("no round was discarded")
	}
}
