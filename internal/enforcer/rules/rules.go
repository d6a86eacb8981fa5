// Package rules counts the rules of a policy by kind. It is pure.
package rules

import "strings"

// Rules holds the number of rules in force for one workload, by the kind of rule.
type Rules struct {
	File   int `json:"file"`
	Exec   int `json:"exec"`
	Net    int `json:"net"`
	Mount  int `json:"mount"`
	Cap    int `json:"cap"`
	Ptrace int `json:"ptrace"`
	Other  int `json:"other,omitempty"` // of no other kind, or of an unknown product
}

// Sum returns the number of all rules.
func (r Rules) Sum() int { return r.File + r.Exec + r.Net + r.Mount + r.Cap + r.Ptrace + r.Other }

// ForHook returns the number of rules that a program on a hook walks, and whether the hook decides that.
func (r Rules) ForHook(hook string) (int, bool) {
	n := r.Kind(hook)
	return *n, n != &r.Other
}

// Kind returns the number that counts the rules of a hook.
func (r *Rules) Kind(hook string) *int {
	switch {
	case strings.HasPrefix(hook, "file_"), strings.HasPrefix(hook, "path_"), hook == "mmap_file":
		return &r.File
	case strings.HasPrefix(hook, "bprm_"):
		return &r.Exec
	case strings.HasPrefix(hook, "socket_"):
		return &r.Net
	case hook == "sb_mount", hook == "move_mount", hook == "sb_umount":
		return &r.Mount
	case hook == "capable":
		return &r.Cap
	case hook == "ptrace_access_check":
		return &r.Ptrace
	}
	return &r.Other
}
