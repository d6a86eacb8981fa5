package enforcer

import (
	"slices"

	"github.com/lsmprof/lsmprof/internal/enforcer/rules"
)

// RuleFunctions returns the functions of the product's programs that look at one rule and have its index as their first
// argument.
func (p Product) RuleFunctions() []string { return slices.Clone(p.ruleFunctions) }

// UntimedReason says why rules of a kind of a product cannot be timed one by one.
func UntimedReason(product, kind string) string {
	if kind == rules.Cap || kind == rules.Ptrace {
		return "they are one value, which a single lookup finds"
	}
	i := slices.IndexFunc(All(), func(p Product) bool { return p.Name == product })
	if i < 0 {
		return "lsmprof does not know which function of the program looks at one rule"
	}
	return All()[i].untimed
}
