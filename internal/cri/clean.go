package cri

import (
	"slices"
	"strings"
	"unicode"
)

// Bounds on text from a runtime, in characters. Kubernetes' own are 253 for names and 63 for label values.
const (
	maxName   = 253
	maxImage  = 512
	maxLabels = 32
)

// clean makes a name fit for a terminal, a table and a label: printable, short, and without the characters given.
func clean(s string, limit int, without string) string {
	var b strings.Builder
	n := 0
	for _, r := range s { // invalid UTF-8 comes as the replacement character
		if n++; n > limit {
			b.WriteRune('…')
			break
		}
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) || strings.ContainsRune(without, r) {
			r = '?'
		}
		b.WriteRune(r)
	}
	return b.String()
}

func cleanName(s string) string { return clean(s, maxName, "/") }

// cleanLabels writes labels like a selector: app=web,tier=front. Those that repeat the pod's names are left out.
func cleanLabels(labels map[string]string) string {
	var all []string
	for k, v := range labels {
		if !strings.HasPrefix(k, "io.kubernetes.") {
			all = append(all, clean(k, maxName, ",=")+"="+clean(v, maxName, ",="))
		}
	}
	slices.Sort(all)
	return strings.Join(all[:min(len(all), maxLabels)], ",")
}

// validID says whether an id can be one: it is compared with cgroups and ends up in messages.
func validID(id string) bool {
	return len(id) > 0 && len(id) <= 128 && !strings.ContainsFunc(id, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' ||
			strings.ContainsRune("._-", r))
	})
}
