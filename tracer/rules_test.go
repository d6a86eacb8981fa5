package tracer

import (
	"errors"
	"iter"
	"log/slog"
	"maps"
	"slices"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/lsmprof/lsmprof/profile"
)

// fakePolicies holds policies whose programs all walk the same number of rules.
type fakePolicies map[uint32]fakePolicy

type fakePolicy struct {
	generation string
	rules      int
}

func (p fakePolicies) Workloads() iter.Seq[uint32]          { return maps.Keys(p) }
func (p fakePolicies) Generation(workload uint32) string    { return p[workload].generation }
func (p fakePolicies) Rules(workload uint32, _ Program) int { return p[workload].rules }

func TestRulesAreKnownOnlyBetweenEqualReadings(t *testing.T) {
	type reading struct {
		generation  string // "": no policy
		rules, want int
	}
	const unknown = profile.RulesUnknown
	for name, readings := range map[string][]reading{
		"steady": {{"a", 8, unknown}, {"a", 8, unknown}, {"a", 8, 8}, {"a", 8, 8}},
		"changed": {
			{"a", 8, unknown},
			{"a", 8, unknown},
			{"a", 8, 8},
			{"b", 2, unknown},
			{"b", 2, unknown},
			{"b", 2, 2},
		},
		"changed and back": {
			{"a", 8, unknown},
			{"a", 8, unknown},
			{"a", 8, 8},
			{"c", 8, unknown},
			{"c", 8, unknown},
			{"c", 8, 8},
		},
		"confined late": {
			{"", 0, unknown},
			{"", 0, unknown},
			{"", 0, 0},
			{"a", 4, unknown},
			{"a", 4, unknown},
			{"a", 4, 4},
		},
		"released": {
			{"a", 4, unknown},
			{"a", 4, unknown},
			{"a", 4, 4},
			{"", 0, unknown},
			{"", 0, unknown},
			{"", 0, 0},
		},
		"always changing": {{"a", 1, unknown}, {"b", 2, unknown}, {"c", 3, unknown}, {"d", 4, unknown}},
	} {
		t.Run(name, func(t *testing.T) {
			var h ruleHistory
			for i, r := range readings {
				policies := fakePolicies{}
				if r.generation != "" {
					policies[1] = fakePolicy{r.generation, r.rules}
				}
				h.add(policies, 0, 0)
				if got := h.rules(1, Program{Hook: "file_open"}); got != r.want {
					t.Errorf("after reading %d: %d rules, want %d", i, got, r.want)
				}
			}
		})
	}
}

func TestRulesAreUnsettledUntilTwoReadingsAgree(t *testing.T) {
	for name, c := range map[string]struct {
		readings []fakePolicies
		want     bool
	}{
		"one reading":            {[]fakePolicies{{1: {"a", 1}}}, true},
		"equal readings":         {[]fakePolicies{{1: {"a", 1}}, {1: {"a", 1}}}, false},
		"changed":                {[]fakePolicies{{1: {"a", 1}}, {1: {"b", 1}}}, true},
		"released":               {[]fakePolicies{{1: {"a", 1}}, {}}, true},
		"confined":               {[]fakePolicies{{}, {1: {"a", 1}}}, true},
		"all workloads' changed": {[]fakePolicies{{AllWorkloads: {"a", 1}}, {AllWorkloads: {"b", 2}}}, true},
	} {
		var h ruleHistory
		for _, policies := range c.readings {
			h.add(policies, 0, 0)
		}
		if got := h.unsettled(); got != c.want {
			t.Errorf("%s: unsettled is %v, want %v", name, got, c.want)
		}
	}
}

// fakeEnforcers returns the same readings until a test changes them.
type fakeEnforcers struct{ readings []RuleReading }

func (*fakeEnforcers) Identify([]Program)         {}
func (*fakeEnforcers) Owner(Program) string       { return "acme" }
func (e *fakeEnforcers) ReadRules() []RuleReading { return slices.Clone(e.readings) }

func TestRuleHistoryStartsAnew(t *testing.T) {
	rules := []RuleReading{{Enforcer: "acme", Programs: []ebpf.ProgramID{7}, Policies: fakePolicies{1: {"a", 8}}}}
	replaced := slices.Clone(rules)
	replaced[0].Programs = []ebpf.ProgramID{8}
	for name, interruption := range map[string][]RuleReading{
		"programs replaced": replaced,
		"rules unreadable":  {{Enforcer: "acme", Err: errors.New("no permission")}},
		"enforcer gone":     nil,
	} {
		e := &fakeEnforcers{rules}
		opts := Options{Enforcers: e, Logger: slog.New(slog.DiscardHandler)}
		set := &probeSet{opts: opts, warned: map[string]bool{}}
		read := func(n int) int {
			for range n {
				set.readRules()
			}
			return set.rules(&probedTarget{enforcer: "acme"}, 1)
		}
		if got := read(3); got != 8 {
			t.Errorf("%s: %d rules before it, want 8", name, got)
		}
		e.readings = interruption
		if got := read(1); got != profile.RulesUnknown {
			t.Errorf("%s: %d rules, want unknown", name, got)
		}
		e.readings = rules
		if got := read(2); got != profile.RulesUnknown {
			t.Errorf("%s: %d rules two readings later, want unknown", name, got)
		}
		if got := read(1); got != 8 {
			t.Errorf("%s: %d rules three readings later, want 8", name, got)
		}
	}
}
