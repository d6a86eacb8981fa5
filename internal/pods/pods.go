// Package pods connects the container runtime to what is measured: it knows which pod a workload belongs to, and which
// workloads the user has selected by namespace, pod or container.
package pods

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/lsmprof/lsmprof/internal/cri"
	"github.com/lsmprof/lsmprof/profile"
)

// Selection names workloads after the containers of the node's pods, and selects some of them. Set its fields before
// the first call of Watch or Look. All methods are safe for concurrent use after that.
type Selection struct {
	Endpoint string // of the container runtime; "": where runtimes usually listen
	// Namespaces, Pods and Containers are globs for the names of what is selected. A pod is named NAME or
	// NAMESPACE/NAME. An empty list selects all.
	Namespaces, Pods, Containers []string
	// Explain adds to an error of the runtime what the user can do about it. Nil adds nothing.
	Explain func(error) error

	runtime *cri.Runtime
	mu      sync.Mutex
	failed  error // the last error that the runtime's watch reported
}

// Filters reports whether only some containers are selected.
func (s *Selection) Filters() bool { return len(s.Namespaces)+len(s.Pods)+len(s.Containers) > 0 }

// Watch asks the runtime once, then follows it until ctx is done. Without a runtime, workloads are named after their
// command; it is an error only if some containers are selected.
func (s *Selection) Watch(ctx context.Context) error {
	s.runtime = cri.New(s.Endpoint)
	err := s.runtime.Refresh(ctx)
	if err != nil && s.Filters() {
		return s.explain(err)
	}
	if s.Filters() && len(s.Selected()) == 0 {
		slog.Warn("no container is selected yet; waiting for one")
	}
	s.report(err)
	go s.runtime.Watch(ctx, s.report)
	return nil
}

// Look asks the runtime once.
func (s *Selection) Look(ctx context.Context) {
	if s.runtime == nil {
		s.runtime = cri.New(s.Endpoint)
	}
	s.report(s.runtime.Refresh(ctx))
}

func (s *Selection) explain(err error) error {
	if s.Explain == nil {
		return err
	}
	return s.Explain(err)
}

// report keeps and logs an error of the runtime. It does not log that there is none: most machines run no containers.
func (s *Selection) report(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err == nil:
		if s.failed != nil && !errors.Is(s.failed, cri.ErrNone) {
			slog.Info("the container runtime answers again")
		}
		return
	case s.failed != nil && s.failed.Error() == err.Error():
		return
	case !errors.Is(err, cri.ErrNone):
		slog.Warn("the container runtime does not answer: new containers are named after their command",
			"reason", err)
	}
	s.failed = err
}

// Warnings returns why names in a snapshot may be missing.
func (s *Selection) Warnings(snap *profile.Snapshot) []profile.Warning {
	var all []profile.Warning
	if text := s.Unlocated(); text != "" {
		all = append(all, profile.Warning{Text: text})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	unnamed := func(r profile.Row) bool { return r.Workload.ContainerID != "" && !r.Workload.InContainer() }
	if s.failed != nil && (!errors.Is(s.failed, cri.ErrNone) || slices.ContainsFunc(snap.Rows, unnamed)) {
		text := fmt.Sprintf("containers may be named after their command: %v", s.explain(s.failed))
		all = append(all, profile.Warning{Text: text})
	}
	return all
}

// Unlocated returns a warning if processes of some containers cannot be found, else "".
func (s *Selection) Unlocated() string {
	if s.runtime == nil {
		return ""
	}
	lost := s.runtime.Unlocated()
	if len(lost) == 0 {
		return ""
	}
	first := slices.MinFunc(lost, func(a, b cri.Container) int { return cmp.Compare(a.ID, b.ID) })
	name := profile.Workload{Namespace: first.Namespace, Pod: first.Pod, Container: first.Name}.Name()
	return fmt.Sprintf("the processes of %d of %d containers were not found, so their calls are named after "+
		"a command and no flag selects them. The first is %s (%.12s): %s",
		len(lost), len(s.runtime.Containers()), name, first.ID, first.Unlocated)
}

// Name implements tracer.Namer.
func (s *Selection) Name(w profile.Workload) profile.Workload {
	if s.runtime == nil {
		return w
	}
	if found, ok := s.runtime.Find(w.MntNS, w.Cgroup); ok {
		w.Namespace, w.Pod, w.Container = found.Namespace, found.Pod, found.Name
		w.ContainerID, w.Image, w.Labels = found.ID, found.Image, found.Labels
	}
	return w
}

// Image returns the image of a container, see inforce.Images.
func (s *Selection) Image(mntns uint32, cgroup string) string {
	return s.Name(profile.Workload{MntNS: mntns, Cgroup: cgroup}).Image
}

// Running returns the running containers, nil without a runtime.
func (s *Selection) Running() []cri.Container {
	if s.runtime == nil {
		return nil
	}
	return s.runtime.Containers()
}

// Selected returns the mount namespaces of the running containers that are selected.
func (s *Selection) Selected() []uint32 {
	if s.runtime == nil {
		return nil
	}
	var all []uint32
	for _, found := range s.runtime.Containers() {
		if found.MntNS != 0 && s.selects(&found) {
			all = append(all, found.MntNS)
		}
	}
	return all
}

func (s *Selection) selects(found *cri.Container) bool {
	matches := func(globs []string, name func(glob string) string) bool {
		return len(globs) == 0 || slices.ContainsFunc(globs, func(g string) bool {
			ok, _ := path.Match(g, name(g))
			return ok
		})
	}
	if len(s.Containers) > 0 && found.Name == "" {
		return false // a sandbox
	}
	return matches(s.Namespaces, func(string) string { return found.Namespace }) &&
		matches(s.Containers, func(string) string { return found.Name }) &&
		matches(s.Pods, func(glob string) string {
			if strings.Contains(glob, "/") {
				return found.Namespace + "/" + found.Pod
			}
			return found.Pod
		})
}
