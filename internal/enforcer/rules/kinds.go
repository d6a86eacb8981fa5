package rules

// The kinds of rules, as a command line and a document spell them.
const (
	File   = "file"
	Exec   = "exec"
	Net    = "net"
	Mount  = "mount"
	Cap    = "cap"
	Ptrace = "ptrace"
	Other  = "other"
)

// Kinds returns all kinds, in the order of the fields of Rules.
func Kinds() []string { return []string{File, Exec, Net, Mount, Cap, Ptrace, Other} }

// KindOf returns the kind of rules that a program on a hook walks.
func KindOf(hook string) string {
	var r Rules
	*r.Kind(hook) = 1
	for _, kind := range Kinds() {
		if *r.Named(kind) == 1 {
			return kind
		}
	}
	return Other
}

// Named returns the number that counts the rules of a kind, or nil if there is no such kind.
func (r *Rules) Named(kind string) *int {
	switch kind {
	case File:
		return &r.File
	case Exec:
		return &r.Exec
	case Net:
		return &r.Net
	case Mount:
		return &r.Mount
	case Cap:
		return &r.Cap
	case Ptrace:
		return &r.Ptrace
	case Other:
		return &r.Other
	}
	return nil
}
