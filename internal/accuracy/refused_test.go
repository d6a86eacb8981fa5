package accuracy

import (
	"errors"
	"strings"
	"testing"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/enforcer/lookalike"
	"github.com/lsmprof/lsmprof/internal/vmtest"
)

// The cost of programs that refuse to be opened is that of their hook, less the programs with their own probes.
func TestIcountRefusedProgramsCost(t *testing.T) {
	if vmtest.IcountGuest(t); !vmtest.Guest(t).AtLeast(5, 18) {
		t.Skip("before 5.18 all programs of a hook are measured together")
	}
	guard, err := lookalike.AttachGuard(0)
	if err != nil {
		t.Fatal(err)
	}
	defer guard.Close()
	r, err := NewRig()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	guarded := r.reference(enforcer.Rules{File: 8}, "file_open")
	attach := guarded.attach
	guarded.owns = func(program string) bool { return strings.Contains(program, "hook") }
	guarded.attach = func() (func() error, error) {
		detach, err := attach()
		if err != nil {
			return nil, err
		}
		programs, err := r.ref.Programs()
		for _, p := range programs {
			err = errors.Join(err, guard.Refuse(lookalike.GuardGuardedKindGUARDED_PROGRAM, p.ID))
		}
		return detach, err
	}
	for _, c := range []accuracyCase{
		{name: "whole hook", layers: []layer{guarded}},
		{name: "less a program behind", layers: []layer{guarded, small("file_open", 200)}},
		{name: "less a program before", layers: []layer{small("file_open", 200), guarded}},
	} {
		c.op, c.share = openClose(2), 0.05
		results, err := r.run(c)
		if err != nil {
			t.Fatal(err)
		}
		for _, result := range results {
			t.Logf("%s, %s: %.0f instructions per open, in truth %.0f (%+.1f %%)",
				result.Case, result.Enforcer, result.Reported, result.Truth, 100*result.Error())
			if !result.Holds() {
				t.Errorf("%s: the cost of %s is more than 5 %% off", result.Case, result.Enforcer)
			}
		}
	}
}
