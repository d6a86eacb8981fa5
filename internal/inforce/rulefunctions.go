package inforce

import (
	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/tracer"
)

// RuleFunctions returns the functions of a program that look at one rule and have its index as their first argument.
// The program need not have all of them.
func (r *Registry) RuleFunctions(p tracer.Program) []string {
	product, _ := productOf(p)
	return product.RuleFunctions()
}

// UntimedReason says why the rules of a kind of an enforcer cannot be timed one by one.
func (r *Registry) UntimedReason(name, kind string) string { return enforcer.UntimedReason(name, kind) }

// IndexedEnforcers returns the enforcers whose rules are in hash maps under their index.
func (r *Registry) IndexedEnforcers() (names []string) {
	for _, p := range enforcer.All() {
		if len(p.RuleFunctions()) > 0 {
			names = append(names, p.Name)
		}
	}
	return names
}
