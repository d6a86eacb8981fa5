package enforcer

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
)

// Bits of a rule's masks.
const (
	kubearmorExec   = 1 << 0
	kubearmorAccess = 1<<1 | 1<<2 // write, read
	kubearmorDir    = 1 << 4
	kubearmorHint   = 1 << 6 // a parent of a directory with a rule
)

// First bytes of keys that are no paths. A number follows a type, a protocol and a capability.
const (
	kubearmorType, kubearmorProtocol    = 2, 3
	kubearmorPosture, kubearmorPostures = 101, 105
	kubearmorCapability                 = 200
)

// kubearmorSocketTypes are the keys of the types for each of which KubeArmor adds an entry if a rule is for all
// protocols: stream, dgram, raw, rdm, seqpacket, dccp and packet.
var kubearmorSocketTypes = []string{"\x02\x01", "\x02\x02", "\x02\x03", "\x02\x04", "\x02\x05", "\x02\x06", "\x02\x0a"}

// kubearmorName identifies a rule: what it is about, and for which program; "" is any program.
type kubearmorName struct{ path, source string }

// kubearmorEntries holds a container's entries, each with the masks for processes and for files.
type kubearmorEntries map[kubearmorName][2]uint16

// kubearmorRules counts the rules as their author wrote them. KubeArmor adds entries that are no rules: the parents of
// a directory and the directory as a file, a domain with the suffixes of a cluster, every socket type for all
// protocols, and default postures. A rule for several programs counts once for each.
func kubearmorRules(all []entry) (r Rules) {
	entries := newKubearmorEntries(all)
	for name := range entries {
		entries.addRules(name, &r)
	}
	return r
}

func newKubearmorEntries(all []entry) kubearmorEntries {
	entries := make(kubearmorEntries, len(all))
	for _, e := range all {
		half := len(e.key) / 2
		entries[kubearmorName{cString(e.key[:half]), cString(e.key[half:])}] = kubearmorMasks(e.value)
	}
	return entries
}

// addRules counts the rules that one entry is.
func (e kubearmorEntries) addRules(name kubearmorName, r *Rules) {
	masks := e[name]
	switch first := (name.path + "\x00")[0]; {
	case first == kubearmorCapability && len(name.path) <= 2:
		r.Cap++
	case first == kubearmorProtocol && len(name.path) <= 2:
		r.Net++
	case first == kubearmorType && len(name.path) <= 2:
		if !e.allProtocols(name.source) || !slices.Contains(kubearmorSocketTypes, name.path) {
			r.Net++
		}
	case first >= kubearmorPosture && first <= kubearmorPostures && len(name.path) == 1:
	case masks[0]&(kubearmorExec|kubearmorHint) == 0 && masks[1]&(kubearmorAccess|kubearmorHint) == 0:
		// All protocols, or a domain.
		if name.path == "" || !e.addedDomain(name) {
			r.Net++
		}
	default:
		r.Exec += e.pathRules(name, 0, kubearmorExec)
		r.File += e.pathRules(name, 1, kubearmorAccess)
	}
}

// pathRules returns 1 if an entry is a rule of one kind, which has its own mask, else 0.
func (e kubearmorEntries) pathRules(name kubearmorName, kind int, access uint16) int {
	mask := e[name][kind]
	hint := mask&kubearmorHint != 0 && mask&kubearmorDir == 0
	if mask&access == 0 || hint {
		return 0
	}
	asDirectory := e[kubearmorName{name.path + "/", name.source}]
	if asDirectory[kind]&kubearmorDir != 0 {
		return 0
	}
	return 1
}

// allProtocols reports whether a program has a rule for all protocols: its key is neither a protocol nor a type, and
// each type has an entry, too.
func (e kubearmorEntries) allProtocols(source string) bool {
	masks, ok := e[kubearmorName{"", source}]
	return ok && masks[0]&kubearmorExec == 0 && masks[1]&kubearmorAccess == 0 &&
		!slices.ContainsFunc(kubearmorSocketTypes, func(t string) bool {
			_, ok := e[kubearmorName{t, source}]
			return !ok
		})
}

// clusterSuffixes are those that KubeArmor adds to the domain of a rule, from v1.7.0 on. It also adds
// .NAMESPACE.svc.cluster.local.
var clusterSuffixes = []string{".cluster.local", ".svc.cluster.local", ".domain.name"}

// expanded reports whether a domain has all entries that KubeArmor adds to one in a rule.
func (e kubearmorEntries) expanded(name kubearmorName) bool {
	return !slices.ContainsFunc(clusterSuffixes, func(suffix string) bool {
		_, ok := e[kubearmorName{name.path + suffix, name.source}]
		return !ok
	})
}

// addedDomain reports whether KubeArmor added the entry of a domain to that of another one.
func (e kubearmorEntries) addedDomain(name kubearmorName) bool {
	if e.expanded(name) {
		return false // a rule's own, even if it is also an addition
	}
	for _, suffix := range clusterSuffixes {
		base, ok := strings.CutSuffix(name.path, suffix)
		if !ok {
			continue
		}
		bases := []string{base}
		if i := strings.LastIndexByte(base, '.'); i > 0 && suffix == ".svc.cluster.local" {
			bases = append(bases, base[:i]) // without the namespace
		}
		for _, b := range bases {
			if _, ok := e[kubearmorName{b, name.source}]; ok && e.expanded(kubearmorName{b, name.source}) {
				return true
			}
		}
	}
	return false
}

// kubearmorMasks returns the masks for processes and for files: a byte each, from v1.6 on two.
func kubearmorMasks(value []byte) [2]uint16 {
	if len(value) == 2 {
		return [2]uint16{uint16(value[0]), uint16(value[1])}
	}
	return [2]uint16{binary.NativeEndian.Uint16(value), binary.NativeEndian.Uint16(value[2:])}
}

func cString(b []byte) string {
	s, _, _ := bytes.Cut(b, []byte{0})
	return string(s)
}
