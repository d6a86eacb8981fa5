// Package containerid finds the ids of containers in the paths of control groups. It is pure.
package containerid

import (
	"regexp"
	"strings"
)

// Innermost returns the id of the innermost container that a cgroup path belongs to, "" if it belongs to none.
func Innermost(path string) string {
	ids := All(path)
	if len(ids) == 0 {
		return ""
	}
	return ids[len(ids)-1]
}

// All returns the ids of the containers that a cgroup path belongs to, outermost first. Every runtime puts the id, 64
// hexadecimal digits, into the name of a container's cgroup. A container may have cgroups of its own below: crun puts
// its processes into SCOPE/container, and systemd in a container makes slices. Podman's pods have ids of 64 digits,
// too.
func All(path string) []string {
	var ids []string
	parent := ""
	for name := range strings.SplitSeq(path, "/") {
		pod := strings.Contains(name, "libpod_pod_") || parent == "libpod_parent" &&
			!strings.HasPrefix(name, "libpod-")
		parent = name
		if pod || strings.Contains(name, "conmon-") {
			continue // a pod, or the container's monitor, which runs outside of it
		}
		for _, word := range hexadecimal.FindAllString(name, -1) {
			if len(word) == 64 {
				ids = append(ids, word)
			}
		}
	}
	return ids
}

var hexadecimal = regexp.MustCompile(`[0-9a-f]+`)
