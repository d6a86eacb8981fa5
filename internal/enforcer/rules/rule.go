package rules

import "slices"

// Kinds of rules. Each has a list of its own.
const (
	File   = "file"
	Exec   = "exec"
	Net    = "net"
	Mount  = "mount"
	Cap    = "cap"
	Ptrace = "ptrace"
	Other  = "other"
)

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

// KindOfHook returns the kind of the rules that a program on a hook walks.
func KindOfHook(hook string) string {
	var r Rules
	*r.Kind(hook) = 1
	for kind, n := range map[string]int{
		File: r.File, Exec: r.Exec, Net: r.Net, Mount: r.Mount, Cap: r.Cap, Ptrace: r.Ptrace,
	} {
		if n == 1 {
			return kind
		}
	}
	return Other
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
