package cri

import (
	"slices"
	"strings"

	"github.com/lsmprof/lsmprof/internal/text"
)

// Bounds on text from a runtime, in characters. Kubernetes' own are 253 for names and 63 for label values.
const (
	maxName   = 253
	maxImage  = 512
	maxLabels = 32
)

func cleanName(s string) string { return text.Clean(s, maxName, "/") }

// cleanLabels writes labels like a selector: app=web,tier=front. Those that repeat the pod's names are left out.
func cleanLabels(labels map[string]string) string {
	var all []string
	for k, v := range labels {
		if !strings.HasPrefix(k, "io.kubernetes.") {
			all = append(all, text.Clean(k, maxName, ",=")+"="+text.Clean(v, maxName, ",="))
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
