package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/lsmprof/lsmprof/internal/cmdline"
	"github.com/lsmprof/lsmprof/internal/cri"
	"github.com/lsmprof/lsmprof/profile"
)

// containers are the flags about containers, and what the container runtime says.
type containers struct {
	endpoint                string
	namespaces, pods, names []string

	runtime *cri.Runtime
	mu      sync.Mutex
	failed  error // the last report of the watch that was one
}

const endpointUsage = "Ask the container runtime at this `SOCKET`. By default lsmprof looks at CONTAINER_RUNTIME_ENDPOINT, at crictl's " +
	"configuration and at the usual sockets."

func (c *containers) flags(f *cmdline.Flags) {
	f.Group(cmdline.Containers)
	f.Var(cmdline.Globs(&c.namespaces), "namespace", "Measure only containers of pods in these namespaces.")
	f.Var(cmdline.Globs(&c.pods), "pod", "Measure only containers of these pods, named NAME or NAMESPACE/NAME.")
	f.Var(cmdline.Globs(&c.names), "container", "Measure only containers with these names.")
	c.endpointFlag(f)
}

func (c *containers) endpointFlag(f *cmdline.Flags) {
	f.StringVar(&c.endpoint, "runtime-endpoint", "", endpointUsage)
}

// filters says whether only some containers are asked for.
func (c *containers) filters() bool { return len(c.namespaces)+len(c.pods)+len(c.names) > 0 }

// watch asks the runtime once and then follows it until ctx is done. Without one, workloads go by their command; only who asks
// for some containers needs it.
func (c *containers) watch(ctx context.Context) error {
	c.runtime = cri.New(c.endpoint)
	err := c.runtime.Refresh(ctx)
	if err != nil && c.filters() {
		return fmt.Errorf("--namespace, --pod and --container need the container runtime: %w", err)
	}
	if c.filters() && len(c.selected()) == 0 {
		slog.Warn("no container matches --namespace, --pod and --container yet; measuring those that will")
	}
	c.report(err)
	go c.runtime.Watch(ctx, c.report)
	return nil
}

// look asks the runtime once.
func (c *containers) look(ctx context.Context) {
	if c.runtime == nil {
		c.runtime = cri.New(c.endpoint)
	}
	c.report(c.runtime.Refresh(ctx))
}

// report keeps the trouble with the runtime. A machine without containers has none.
func (c *containers) report(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err == nil:
		if c.failed != nil && !errors.Is(c.failed, cri.ErrNone) {
			slog.Info("the container runtime answers again")
		}
		return
	case c.failed != nil && c.failed.Error() == err.Error():
		return
	case !errors.Is(err, cri.ErrNone):
		slog.Warn("containers that start now go by their command", "reason", err)
	}
	c.failed = err
}

// warnings are what a reader of the names must know.
func (c *containers) warnings(s *profile.Snapshot) []profile.Warning {
	c.mu.Lock()
	defer c.mu.Unlock()
	unnamed := func(r profile.Row) bool { return r.Workload.ContainerID != "" && !r.Workload.InContainer() }
	if c.failed == nil || errors.Is(c.failed, cri.ErrNone) && !slices.ContainsFunc(s.Rows, unnamed) {
		return nil
	}
	return []profile.Warning{{Text: fmt.Sprintf("containers may go by their command: %v", c.failed)}}
}

// Name is the tracer's way to the names.
func (c *containers) Name(w profile.Workload) profile.Workload {
	if c.runtime == nil {
		return w
	}
	if found, ok := c.runtime.Find(w.MntNS, w.Cgroup); ok {
		w.Namespace, w.Pod, w.Container, w.Image, w.Labels = found.Namespace, found.Pod, found.Name, found.Image, found.Labels
		w.ContainerID = found.ID
	}
	return w
}

// selected are the mount namespaces of the containers that the flags choose and that run now.
func (c *containers) selected() []uint32 {
	if c.runtime == nil {
		return nil
	}
	var all []uint32
	for _, found := range c.runtime.Containers() {
		if found.MntNS != 0 && c.selects(&found) {
			all = append(all, found.MntNS)
		}
	}
	return all
}

func (c *containers) selects(found *cri.Container) bool {
	matches := func(globs []string, name func(glob string) string) bool {
		return len(globs) == 0 || slices.ContainsFunc(globs, func(g string) bool {
			ok, _ := path.Match(g, name(g))
			return ok
		})
	}
	if len(c.names) > 0 && found.Name == "" {
		return false // a sandbox
	}
	return matches(c.namespaces, func(string) string { return found.Namespace }) &&
		matches(c.names, func(string) string { return found.Name }) &&
		matches(c.pods, func(glob string) string {
			if strings.Contains(glob, "/") {
				return found.Namespace + "/" + found.Pod
			}
			return found.Pod
		})
}
