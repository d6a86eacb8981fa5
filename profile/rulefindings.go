package profile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/lsmprof/lsmprof/internal/text"
)

// Finding is advice that follows from what each rule cost. Its text has the figure and what it assumes.
type Finding struct {
	Kind FindingKind `json:"kind"`
	Ns   float64     `json:"ns"` // of the pass: what the advice would save, or what it is about
	Text string      `json:"text"`
}

// FindingKind says what a [Finding] is about.
type FindingKind string

// The kinds of findings.
const (
	FindingNeverMatched FindingKind = "never-matched" // rules that never ended a walk
	FindingShadowed     FindingKind = "shadowed"      // rules that cannot match
	FindingOrder        FindingKind = "order"         // a rule that would be cheaper in front
	FindingLookup       FindingKind = "lookup"        // rules that a constant array would hold as well
)

// ruleWalk holds the rules that one function of one program walks for one workload, by index.
type ruleWalk struct {
	name  string
	rules []RuleCost
	walks uint64 // of which each looked at the first rule
}

// Findings returns advice, by kind and then by time. There is none about rules that were never looked at.
func (e *EachRule) Findings() (all []Finding) {
	costs := e.Costs()
	for _, w := range walksOf(costs) {
		all = append(all, w.neverMatched()...)
		all = append(all, w.shadowed()...)
		all = append(all, w.order()...)
	}
	all = append(all, e.lookups(costs)...)
	slices.SortStableFunc(all, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Kind.rank(), b.Kind.rank()), cmp.Compare(b.Ns, a.Ns))
	})
	return all
}

func (k FindingKind) rank() int {
	return slices.Index([]FindingKind{FindingShadowed, FindingOrder, FindingLookup, FindingNeverMatched}, k)
}

// walksOf groups costs, which are sorted.
func walksOf(costs []RuleCost) (all []ruleWalk) {
	same := func(a, b *RuleCost) bool {
		return a.Workload.MntNS == b.Workload.MntNS && a.Program.ID == b.Program.ID && a.Function == b.Function
	}
	for i := range costs {
		c := &costs[i]
		if i == 0 || !same(c, &costs[i-1]) {
			all = append(all, ruleWalk{name: c.Workload.Name() + ", " + c.Program.Name})
		}
		w := &all[len(all)-1]
		w.walks = max(w.walks, c.Looks)
		if !c.PastEnd {
			w.rules = append(w.rules, *c)
		}
	}
	return slices.DeleteFunc(all, func(w ruleWalk) bool { return w.walks == 0 })
}

// label returns `rule 5 (deny /etc/shadow)`.
func (c *RuleCost) label() string {
	if c.Text == "" {
		return fmt.Sprintf("rule %d", c.Rule)
	}
	return fmt.Sprintf("rule %d (%s)", c.Rule, c.Text)
}

func (w *ruleWalk) neverMatched() []Finding {
	var unmatched []RuleCost
	var ns, total float64
	for _, c := range w.rules {
		total += c.Total
		if c.Looks > 0 && c.Matches == 0 {
			unmatched = append(unmatched, c)
			ns += c.Total
		}
	}
	if len(unmatched) == 0 {
		return nil
	}
	which := unmatched[0].label()
	if n := len(unmatched); n > 1 {
		numbers := make([]int, n)
		for i, c := range unmatched {
			numbers[i] = c.Rule
		}
		which = fmt.Sprintf("%d of %d rules (%s)", n, len(w.rules), ranges(numbers))
	}
	return []Finding{{FindingNeverMatched, ns, fmt.Sprintf(
		"%s: %s never matched in %s. Looking at them took %s, %s of the time of these rules. "+
			"This assumes that the pass saw the usual load: a rule against something rare matches rarely",
		w.name, which, text.Plural(w.walks, "walk"), text.Duration(ns), text.Percent(ratio(ns, total)))}}
}

// ranges returns 0-3, 5.
func ranges(numbers []int) string {
	var parts []string
	for i := 0; i < len(numbers); {
		j := i
		for j+1 < len(numbers) && numbers[j+1] == numbers[j]+1 {
			j++
		}
		if part := fmt.Sprint(numbers[i]); j == i {
			parts = append(parts, part)
		} else {
			parts = append(parts, fmt.Sprintf("%s-%d", part, numbers[j]))
		}
		i = j + 1
	}
	return strings.Join(parts, ", ")
}

func (w *ruleWalk) shadowed() (all []Finding) {
	for _, c := range w.rules {
		if c.ShadowedBy < 0 || c.Looks == 0 {
			continue
		}
		by := RuleCost{RuleRow: RuleRow{Rule: c.ShadowedBy}}
		if i := slices.IndexFunc(w.rules, func(r RuleCost) bool { return r.Rule == c.ShadowedBy }); i >= 0 {
			by = w.rules[i]
		}
		all = append(all, Finding{FindingShadowed, c.Total, fmt.Sprintf(
			"%s: %s cannot match, because %s comes first and matches all of it. Without it, %s would "+
				"take %s less. This follows from the two rules alone",
			w.name, c.label(), by.label(), text.Plural(c.Looks, "walk"), text.Duration(c.Total))})
	}
	return all
}

// order says what it would save to move the rule that matched most to the front: walks that it ends would look at none
// of the rules before it, and walks that those end would look at one more.
func (w *ruleWalk) order() []Finding {
	most := slices.MaxFunc(append(w.rules, RuleCost{}), func(a, b RuleCost) int {
		return cmp.Compare(a.Matches,
			b.Matches)
	})
	var before, ended float64
	for _, c := range w.rules {
		if c.Rule < most.Rule {
			before += c.Mean
			ended += float64(c.Matches)
		}
	}
	saved := float64(most.Matches)*before - ended*most.Mean
	if most.Matches == 0 || most.Rule == 0 || saved <= 0 {
		return nil
	}
	return []Finding{{FindingOrder, saved, fmt.Sprintf(
		"%s: %s matched most, in %s of %s. As the first rule it would save %s. "+
			"This assumes that no rule before it decides otherwise about the same calls",
		w.name, most.label(), text.Thousands(most.Matches), text.Plural(w.walks, "walk"),
		text.Duration(saved))}}
}

// lookups says what constant arrays would save, for each enforcer whose rules are in hash maps under their index.
func (e *EachRule) lookups(costs []RuleCost) (all []Finding) {
	each := e.Calibration.HashLookup.Value - e.Calibration.ArrayLookup.Value
	looks, total := map[string]uint64{}, map[string]float64{}
	for _, c := range costs {
		if c.ByIndex {
			looks[c.Program.Enforcer] += c.Looks
			total[c.Program.Enforcer] += c.Total
		}
	}
	for name, n := range looks {
		saved := each * float64(n)
		if saved <= 0 {
			continue
		}
		all = append(all, Finding{FindingLookup, saved, fmt.Sprintf(
			"%s: each of %s finds its rule in a hash map, by its index. An array would save %s a look, "+
				"%s in all: %s of the time of these rules. This assumes that lookups cost what "+
				"lsmprof measured of its own maps here: %s in a hash map, %s in an array",
			name, text.Plural(n, "look"), text.Duration(each), text.Duration(saved),
			text.Percent(ratio(saved, total[name])), text.Duration(e.Calibration.HashLookup.Value),
			text.Duration(e.Calibration.ArrayLookup.Value))})
	}
	return all
}
