package enforcer

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
)

// What a rule's masks say, and what the first byte of a key that is no path stands for.
const (
	kubearmorDir, kubearmorHint    = 1 << 4, 1 << 6
	kubearmorExec, kubearmorAccess = 1 << 0, 1<<1 | 1<<2

	kubearmorType, kubearmorProtocol    = 2, 3
	kubearmorPosture, kubearmorPostures = 101, 105
	kubearmorCapability                 = 200
)

// kubearmorRules counts the rules as their author wrote them: what KubeArmor adds to a rule on a directory or a domain to find it again
// (the parent directories, the directory as a file, the domain with the cluster's suffixes) and its default postures are no rules.
func kubearmorRules(all []entry) (r Rules) {
	type name struct{ path, source string }
	masks := map[name][2]uint16{}
	for _, e := range all {
		half := len(e.key) / 2
		masks[name{text(e.key[:half]), text(e.key[half:])}] = kubearmorMasks(e.value)
	}
	for n, mask := range masks {
		switch first := (n.path + "\x00")[0]; {
		case first == kubearmorCapability:
			r.Cap++
		case first == kubearmorType || first == kubearmorProtocol:
			r.Net++
		case first >= kubearmorPosture && first <= kubearmorPostures && len(n.path) == 1:
		case mask[0]&(kubearmorExec|kubearmorHint) == 0 && mask[1]&(kubearmorAccess|kubearmorHint) == 0:
			if !slices.ContainsFunc(domainsOf(n.path), func(base string) bool { _, ok := masks[name{base, n.source}]; return ok }) {
				r.Net++
			}
		default:
			asDirectory := masks[name{n.path + "/", n.source}]
			for i, count := range []*int{&r.Exec, &r.File} {
				set := mask[i]&kubearmorExec != 0 && i == 0 || mask[i]&kubearmorAccess != 0 && i == 1
				if set && (mask[i]&kubearmorHint == 0 || mask[i]&kubearmorDir != 0) && asDirectory[i]&kubearmorDir == 0 {
					*count++
				}
			}
		}
	}
	return r
}

// kubearmorMasks are those of a rule for processes and for files: two bytes, from v1.6 on twice two.
func kubearmorMasks(value []byte) [2]uint16 {
	if len(value) == 2 {
		return [2]uint16{uint16(value[0]), uint16(value[1])}
	}
	return [2]uint16{binary.NativeEndian.Uint16(value), binary.NativeEndian.Uint16(value[2:])}
}

func text(b []byte) string {
	s, _, _ := bytes.Cut(b, []byte{0})
	return string(s)
}

// domainsOf are those whose rule may have brought this one with it.
func domainsOf(domain string) (bases []string) {
	for _, suffix := range []string{".cluster.local", ".svc.cluster.local", ".domain.name"} {
		if base, ok := strings.CutSuffix(domain, suffix); ok {
			bases = append(bases, base)
			if i := strings.LastIndexByte(base, '.'); i > 0 && suffix == ".svc.cluster.local" {
				bases = append(bases, base[:i]) // of a namespace
			}
		}
	}
	return bases
}
