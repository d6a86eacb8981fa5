package rundir

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lsmprof/lsmprof/internal/enforcer/rules"
)

// State is what must be switched for the whole machine between scenarios. Scenarios of the same state differ only in
// their mount namespaces, and are measured side by side.
type State string

const (
	Removed   State = "not installed"
	Installed State = "installed"
)

// Scenario is a configuration of the enforcer under which tests run.
type Scenario struct {
	Name     string      `json:"name"`
	State    State       `json:"state"`
	Confined bool        `json:"confined"` // the workload has a policy
	Rules    rules.Rules `json:"rules"`
	// SecondBaseline is the hidden second baseline: the same as the first scenario, so that any difference is
	// noise.
	SecondBaseline bool `json:"twin,omitempty"`
	// Setup, Ready and Teardown are the commands of a scripted scenario.
	Setup    *Step `json:"setup,omitempty"`
	Ready    *Step `json:"ready,omitempty"`
	Teardown *Step `json:"teardown,omitempty"`
	// Expect is what the enforcer's maps must hold for the workload after the setup; nil: not checked.
	Expect *Expect `json:"expect,omitempty"`
	// Compare places the scenario in the comparison of enforcers; nil: it has no part in it.
	Compare *Compared `json:"compare,omitempty"`
}

// Compared says what a scenario stands for where enforcers are compared: how many rules of each type which enforcer
// walks, such as 8 rules of AppArmor.
type Compared struct {
	Enforcer string `json:"enforcer"`
	Rules    int    `json:"rules"`
}

// Expect is a policy with these numbers of rules, or none.
type Expect struct {
	None  bool        `json:"none,omitempty"`
	Rules rules.Rules `json:"rules"`
}

// SecondBaselineName is what results call the second baseline.
const SecondBaselineName = "second-baseline"

// WithSecondBaseline adds the second baseline.
func WithSecondBaseline(all []Scenario) []Scenario {
	second := all[0]
	second.Name, second.SecondBaseline = SecondBaselineName, true
	return append(all, second)
}

// ReferenceScenarios returns the scenarios of the reference enforcer: not installed, which is the baseline, no policy,
// a policy without rules, and one scenario for each of counts.
func ReferenceScenarios(counts []rules.Rules, names []string) []Scenario {
	all := []Scenario{
		{Name: "not-installed", State: Removed},
		{Name: "no-policy", State: Installed},
		{Name: "allow", State: Installed, Confined: true},
	}
	for i, r := range counts {
		all = append(all, Scenario{Name: "rules=" + names[i], State: Installed, Confined: true, Rules: r})
	}
	return WithSecondBaseline(all)
}

// SameScenarios returns n identical scenarios. What a bench measures with them is its own noise.
func SameScenarios(n int) []Scenario {
	all := []Scenario{{Name: "baseline", State: Removed}}
	for i := 1; i < n; i++ {
		all = append(all, Scenario{Name: fmt.Sprintf("same-%d", i), State: Removed})
	}
	return WithSecondBaseline(all)
}

// Step is a shell command of a scenario.
type Step struct {
	Run     string        `json:"run"`
	Timeout time.Duration `json:"timeout_ns"`
}

// Scripted reports whether commands put some scenarios in force.
func (p *Plan) Scripted() bool {
	return slices.ContainsFunc(p.Scenarios, func(s Scenario) bool { return s.Setup != nil })
}

// NeedsReference reports whether some scenarios need the reference enforcer.
func (p *Plan) NeedsReference() bool {
	return slices.ContainsFunc(p.Scenarios, Scenario.NeedsReference)
}

// OneStatePerScenario gives each scenario of the reference enforcer its own state. It is for tests that all run in
// one mount namespace, a container's: one scenario at a time can be in force there.
func (p *Plan) OneStatePerScenario() {
	for i := range p.Scenarios {
		if s := &p.Scenarios[i]; s.State == Installed {
			s.State = Installed + State(": "+s.Name)
		}
	}
}

// NeedsReference reports whether a scenario needs the reference enforcer attached.
func (s Scenario) NeedsReference() bool {
	return s.State == Installed || strings.HasPrefix(string(s.State), string(Installed)+": ")
}
