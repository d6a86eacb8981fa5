// Package rules counts the rules of a policy, by kind: it is pure.
package rules

// Rules is the number of rules in force for one workload, by the kind of rule.
type Rules struct {
	File   int `json:"file"`
	Exec   int `json:"exec"`
	Net    int `json:"net"`
	Mount  int `json:"mount"`
	Cap    int `json:"cap"`
	Ptrace int `json:"ptrace"`
}

// ForHook returns how many rules a program on the hook walks, and false where that is not known.
func (r Rules) ForHook(hook string) (int, bool) {
	switch hook {
	case "file_open", "path_symlink", "path_link", "path_rename":
		return r.File, true
	case "bprm_check_security":
		return r.Exec, true
	case "socket_connect", "socket_create":
		return r.Net, true
	case "sb_mount", "move_mount", "sb_umount":
		return r.Mount, true
	case "capable":
		return r.Cap, true
	case "ptrace_access_check":
		return r.Ptrace, true
	}
	return 0, false
}
