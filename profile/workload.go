package profile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/lsmprof/lsmprof/internal/containerid"
	"github.com/lsmprof/lsmprof/internal/text"
)

// Name returns the name that a workload is shown under: namespace/pod/container, or else its command, followed by the
// short container id if it is in a container that no runtime knows. The zero Workload is unknown: `[other]`.
func (w Workload) Name() string {
	if w.InContainer() {
		parts := []string{w.Namespace, w.Pod, w.Container}
		parts = slices.DeleteFunc(parts, func(s string) bool { return s == "" })
		return text.Printable(strings.Join(parts, "/"))
	}
	if w == (Workload{}) {
		return SyscallOverflow // the calls that found no counter of their own
	}
	if w.Comm == "" {
		return fmt.Sprintf("mntns:%d", w.MntNS)
	}
	if id := cmp.Or(w.ContainerID, containerid.Innermost(w.Cgroup)); id != "" {
		return text.Printable(w.Comm + "/" + id[:min(len(id), shortID)])
	}
	return text.Printable(w.Comm)
}

// shortID is the number of digits of a container id that crictl and docker show.
const shortID = 12

// InContainer reports whether a container runtime knows the workload.
func (w Workload) InContainer() bool { return w.Namespace != "" || w.Pod != "" || w.Container != "" }

// names returns a unique name for every workload of the snapshot. If two share a name, their mount namespaces are added
// to it.
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
