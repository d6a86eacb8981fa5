package profile

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

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
	if w.ContainerID != "" {
		return printable(w.Comm + "/" + w.ContainerID[:min(len(w.ContainerID), shortID)])
	}
	return printable(w.Comm)
}

// shortID is how many digits of a container id the command lines of all runtimes show.
const shortID = 12

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
