package rules

import (
	"net/netip"
	"strings"
)

// Scope is what a rule matches, as far as two rules can be compared. A zero field matches anything, except Operations.
type Scope struct {
	Ends       bool   // a match ends the walk
	Operations uint64 // a request matches if it has one of these bits
	Path       Pattern
	Address    netip.Prefix
	Ports      [2]uint16 // first and last; 0, 0: all
	FileSystem string    // type
}

// Covers reports whether it is proved that s matches everything that t matches. False proves nothing.
func (s Scope) Covers(t Scope) bool {
	return t.Operations&^s.Operations == 0 &&
		s.Path.covers(t.Path) &&
		(s.Ports == [2]uint16{} || t.Ports != [2]uint16{} && s.Ports[0] <= t.Ports[0] &&
			t.Ports[1] <= s.Ports[1]) &&
		(s.FileSystem == "" || s.FileSystem == t.FileSystem) &&
		(!s.Address.IsValid() || t.Address.IsValid() && s.Address.Bits() <= t.Address.Bits() &&
			s.Address.Contains(t.Address.Addr()))
}

// Wildcard says what lies between the prefix and the suffix of a pattern.
type Wildcard int

const (
	Anything Wildcard = iota // **
	OneLevel                 // *: anything but a slash
	Nothing                  // the prefix is all there is
)

// Pattern matches paths. Its zero value matches every path.
type Pattern struct {
	Prefix, Suffix string
	Wildcard       Wildcard
	Name           bool // it matches the last component alone
}

// String returns the glob.
func (p Pattern) String() string { return p.Prefix + [...]string{"**", "*", ""}[p.Wildcard] + p.Suffix }

// covers reports whether p matches every path that q matches.
func (p Pattern) covers(q Pattern) bool {
	switch {
	case p == Pattern{}:
		return true
	case p.Name != q.Name:
		return false
	case q.Wildcard == Nothing:
		return p.matches(q.Prefix)
	case p.Wildcard == Nothing:
		return false
	case !strings.HasPrefix(q.Prefix, p.Prefix) || !strings.HasSuffix(q.Suffix, p.Suffix):
		return false
	case p.Wildcard == Anything || p.Name: // no name has a slash
		return true
	}
	return q.Wildcard == OneLevel && !strings.Contains(q.Prefix[len(p.Prefix):], "/") &&
		!strings.Contains(q.Suffix[:len(q.Suffix)-len(p.Suffix)], "/")
}

func (p Pattern) matches(path string) bool {
	if p.Wildcard == Nothing {
		return path == p.Prefix
	}
	if len(path) < len(p.Prefix)+len(p.Suffix) || !strings.HasPrefix(path, p.Prefix) ||
		!strings.HasSuffix(path, p.Suffix) {
		return false
	}
	between := path[len(p.Prefix) : len(path)-len(p.Suffix)]
	return p.Wildcard == Anything || p.Name || !strings.Contains(between, "/")
}
