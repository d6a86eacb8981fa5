package enforcer

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/lsmprof/lsmprof/internal/enforcer/rules"
	"github.com/lsmprof/lsmprof/internal/kernel"
)

// List returns the rules of each mount namespace whose processes are all under the same rules.
func (r *kubearmorReader) List() (Listed, error) {
	containers, err := r.containers()
	if err != nil {
		return nil, err
	}
	texts := map[kubearmorKey][]Rule{}
	for key, all := range containers {
		texts[key] = kubearmorTexts(all)
	}
	policies, err := r.Read()
	if err != nil {
		return nil, err
	}
	return listByNamespace(policies, func(p process) []Rule { return texts[p.kubearmorKey()] })
}

// listByNamespace returns the rules of the namespaces that have one policy, given those of each process.
func listByNamespace(policies Policies, of func(process) []Rule) (Listed, error) {
	running, err := processes("/proc")
	if err != nil {
		return nil, err
	}
	out := Listed{}
	for _, p := range running {
		if policy, ok := policies[p.mntns]; ok && !policy.Mixed {
			out[p.mntns] = of(p)
		}
	}
	return out, nil
}

// kubearmorTexts returns the rules that kubearmorRules counts, each kind sorted by its text.
func kubearmorTexts(all []entry) (out []Rule) {
	entries := newKubearmorEntries(all)
	byKind := map[string][]string{}
	for name := range entries {
		var r Rules
		entries.addRules(name, &r)
		for _, kind := range rules.Kinds() {
			if *r.Named(kind) > 0 {
				byKind[kind] = append(byKind[kind], kubearmorText(kind, name, entries[name]))
			}
		}
	}
	for _, kind := range slices.SortedFunc(maps.Keys(byKind), cmp.Compare[string]) {
		slices.Sort(byKind[kind])
		for i, text := range byKind[kind] {
			out = append(out, Rule{Kind: kind, Index: i, Text: text})
		}
	}
	return out
}

var kubearmorProtocols = map[int]string{1: "icmp", 6: "tcp", 17: "udp", 58: "icmpv6"}

func kubearmorText(kind string, name kubearmorName, masks [2]uint16) string {
	const deny, recursive = 1 << 7, 1 << 5
	mask := masks[1]
	if kind != rules.File {
		mask = masks[0]
	}
	action := "allow"
	if mask&deny != 0 {
		action = "deny"
	}
	number := 0 // after the first byte; a NUL ends the text
	if len(name.path) > 1 {
		number = int(name.path[1])
	}
	what := []string{action}
	first := (name.path + "\x00")[0]
	switch {
	case kind == rules.Cap:
		what = append(what, kernel.CapabilityName(number))
	case kind == rules.Net && first == kubearmorProtocol && len(name.path) <= 2:
		what = append(what, "protocol", orNumber(kubearmorProtocols, "", number))
	case kind == rules.Net && first == kubearmorType && len(name.path) <= 2:
		what = append(what, "socket type", orNumber(varmorSocketTypes, "", number))
	case kind == rules.Net && name.path == "":
		what = append(what, "all protocols")
	case kind == rules.Net:
		what = append(what, "domain", name.path)
	default:
		if kind == rules.File {
			what = append(what, flagNames(uint64(mask&kubearmorAccess), []flagName{
				{1 << 2, "read"},
				{1 << 1, "write"},
			}))
		}
		what = append(what, name.path)
		if mask&recursive != 0 && strings.HasSuffix(name.path, "/") {
			what = append(what, "and everything below")
		}
	}
	if name.source != "" {
		what = append(what, fmt.Sprintf("from %s", name.source))
	}
	return sentence(what...)
}
