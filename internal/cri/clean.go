package cri

import (
	"slices"
	"strings"

	"github.com/lsmprof/lsmprof/internal/text"
)

// Bounds on text from a runtime. Kubernetes allows 253 characters in a name and 63 in the value of a label.
const (
	maxName   = 253 // characters
	maxImage  = 512 // characters, also of a message
	maxLabels = 32
)

// cleanName makes a name printable and short. The slash separates names.
func cleanName(s string) string { return text.Clean(s, maxName, "/") }

// cleanMessage makes an image or a message printable and short.
func cleanMessage(s string) string { return text.Clean(s, maxImage, "") }

// cleanLabels formats labels like a selector: app=web,tier=front. It drops those that repeat the pod's names.
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

// validID reports whether a text may be the id of a container. Ids are compared with cgroups and appear in messages.
func validID(id string) bool {
	return len(id) > 0 && len(id) <= 128 && !strings.ContainsFunc(id, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' ||
			strings.ContainsRune("._-", r))
	})
}
