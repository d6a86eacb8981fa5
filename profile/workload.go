package profile

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// ContainerID is the id of the container that its cgroup is named after, "" where it is not.
func (w Workload) ContainerID() string { return containerID.FindString(path.Base(w.Cgroup)) }

// containerID is what every container runtime puts into the last part of a container's cgroup path.
var containerID = regexp.MustCompile(`[0-9a-f]{64}`)

// Name is the name a workload is shown under: namespace/pod/container, else the command that stands for it, with the short
// container id where its cgroup has one.
func (w Workload) Name() string {
	if w.InContainer() {
		parts := slices.DeleteFunc([]string{w.Namespace, w.Pod, w.Container}, func(s string) bool { return s == "" })
		return printable(strings.Join(parts, "/"))
	}
	if w.Comm == "" {
		return fmt.Sprintf("mntns:%d", w.MntNS)
	}
	if id := w.ContainerID(); id != "" {
		return printable(w.Comm) + "/" + id[:12]
	}
	return printable(w.Comm)
}

// InContainer says whether a container runtime knows the workload.
func (w Workload) InContainer() bool { return w.Namespace != "" || w.Pod != "" || w.Container != "" }

// names gives every workload of the snapshot a name of its own: where two share one, the mount namespace tells them apart.
func (s Snapshot) names() map[Workload]string {
	byName := map[string]map[uint32]bool{}
	for i := range s.Rows {
		w := s.Rows[i].Workload
		if byName[w.Name()] == nil {
			byName[w.Name()] = map[uint32]bool{}
		}
		byName[w.Name()][w.MntNS] = true
	}
	names := map[Workload]string{}
	for i := range s.Rows {
		w := s.Rows[i].Workload
		names[w] = w.Name()
		if len(byName[w.Name()]) > 1 {
			names[w] += fmt.Sprintf("#%d", w.MntNS)
		}
	}
	return names
}

// printable replaces what a process can put into its name to upset a terminal or a protobuf reader.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}
