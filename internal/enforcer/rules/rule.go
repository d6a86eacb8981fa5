package rules

import "slices"

// Rule is one rule of a policy, as a person would write it: `deny /etc/shadow`.
type Rule struct {
	Kind string `json:"kind"`
	// Index is the rule's place, from 0, among those of its kind. Programs that walk rules look at them in this
	// order.
	Index int    `json:"index"`
	Text  string `json:"text"`
	// ShadowedBy is the index of an earlier rule of the kind that matches everything that this one does and ends
	// the walk: this rule never matches. Nil: no such rule is proved to exist.
	ShadowedBy *int `json:"shadowed_by,omitempty"`

	Scope *Scope `json:"-"` // nil: what the rule matches cannot be compared with others
}

// MarkShadowed fills in ShadowedBy. The rules are those of one kind, in the order in which they are walked.
func MarkShadowed(all []Rule) {
	for j := range all {
		i := slices.IndexFunc(all[:j], func(r Rule) bool {
			return r.Scope != nil && r.Scope.Ends && all[j].Scope != nil && r.Scope.Covers(*all[j].Scope)
		})
		if i >= 0 {
			by := all[i].Index
			all[j].ShadowedBy = &by
		}
	}
}
