package forecast

import (
	"fmt"

	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/text"
)

// EachType is the kind of a budget that is spent on all kinds of rules alike.
const EachType = "each"

// Budget says how many rules of a kind keep the hooks of a workload within a share.
type Budget struct {
	Workload string  `json:"workload"`
	Kind     string  `json:"rule_type"` // "each": as many of every type
	Share    float64 `json:"budget"`
	Rules    int     `json:"rules"`
	Low      int     `json:"rules_low"` // as many are affordable even at the upper end of the interval
	High     int     `json:"rules_high"`
	// Unlimited: rules of this kind cost the workload nothing.
	Unlimited bool `json:"unlimited"`
	// Exceeded: the hooks take more even without rules of this kind, namely Without.
	Exceeded     bool    `json:"exceeded"`
	Without      float64 `json:"share_without"`
	Extrapolated bool    `json:"extrapolated"`
	// Measured is the largest number of rules of the kind that the model was fitted to.
	Measured int `json:"measured_rules"`
}

// Budgets returns how many rules each kind affords, while the others are as in base, and how many of each kind at once.
// Kinds that base lacks stay as they are; in tests, whose rules are there for the sake of measuring, they have none.
func (m *Model) Budgets(w *Workload, base Rules, share float64) []Budget {
	all := append(kinds(), EachType)
	out := make([]Budget, 0, len(all))
	for _, kind := range all {
		b := m.Budget(w, base, kind, share)
		b.Unlimited = b.Unlimited || kind != EachType && !m.Reaches(w, kind)
		out = append(out, b)
	}
	return out
}

// Budget returns how many rules of a kind, or of each, keep the hooks of a workload within a share.
func (m *Model) Budget(w *Workload, base Rules, kind string, share float64) Budget {
	b := Budget{Workload: w.Name, Kind: kind, Share: share}
	if w.Test {
		base = none().With(base)
	}
	c := m.curve(w, base, kind)
	limit, half := w.allows(share), m.quantile()
	b.Rules = c.most(limit, 0)
	b.Low, b.High = max(0, c.most(limit, half)), max(0, c.most(limit, -half))
	b.Without = w.Share(c.at(0).value)
	b.Exceeded, b.Unlimited = b.Rules < 0, b.Rules >= mostRules
	b.Rules = max(0, b.Rules)
	b.Measured = m.Measured(kind)
	b.Extrapolated = !b.Unlimited && m.Forecast(w, c.rules(b.Rules)).Extrapolated
	return b
}

// none returns no rules of any kind.
func none() Rules {
	out := Rules{}
	for _, k := range kinds() {
		out[k] = 0
	}
	return out
}

// String returns the budget as the predicate of a sentence: "affords 7 file rules (6 to 8)".
func (b Budget) String() string {
	what := " " + b.Kind + " rule"
	if b.Kind == EachType {
		what = " rule"
	}
	number := text.Plural(b.Rules, what[1:])
	if b.Kind == EachType {
		number += " of each type"
	}
	switch {
	case b.Exceeded:
		return fmt.Sprintf("affords no%ss: without any the hooks take %s", what, text.Percent(b.Without))
	case b.Unlimited && b.Kind == EachType:
		return "affords any number of rules: they cost nothing here"
	case b.Unlimited:
		return fmt.Sprintf("affords any number of%ss: they cost nothing here", what)
	}
	if b.Rules == 0 {
		number = "no" + what // the first one would be too much
	}
	out := "affords " + number
	if r := b.Range(); r != "" {
		out += " (" + r + ")"
	}
	if b.Extrapolated {
		out += fmt.Sprintf(", extrapolated from %d", b.Measured)
	}
	return out
}

// Range returns the numbers of rules that the budget may afford, with 95 % confidence: "6 to 8", or "7 or more" if a
// rule may cost nothing. It returns "" if the number is exact.
func (b Budget) Range() string {
	switch {
	case b.Low == b.High:
		return ""
	case b.High >= mostRules:
		return text.Thousands(b.Low) + " or more"
	}
	return text.Thousands(b.Low) + " to " + text.Thousands(b.High)
}

// OfTest returns how many rules of each kind keep the loss of a test of a benchmark within a share; kind is one of
// [rules.Kinds], or EachType. The error says why the benchmark cannot tell.
func OfTest(run *rundir.Run, test, kind string, share float64) (Budget, error) {
	m, err := FitRun(run, "")
	if err != nil {
		return Budget{}, err
	}
	w, ok := ofTest(run, test)
	if !ok {
		return Budget{}, fmt.Errorf("test %s reaches no hook with rules", test)
	}
	return m.Budget(&w, nil, kind, share), nil
}
