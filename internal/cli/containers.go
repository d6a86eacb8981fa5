package cli

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

	"github.com/spf13/pflag"

	"github.com/lsmprof/lsmprof/internal/cmdline"
	"github.com/lsmprof/lsmprof/internal/cri"
	"github.com/lsmprof/lsmprof/profile"
)

// containers holds the flags about containers, and asks the container runtime for names.
type containers struct {
	endpoint                string
	namespaces, pods, names []string

	runtime *cri.Runtime
	mu      sync.Mutex
	failed  error // the last error that the runtime's watch reported
}

const endpointUsage = "Ask the container runtime at this socket. By default lsmprof looks at " +
	"CONTAINER_RUNTIME_ENDPOINT, at crictl's configuration and at the usual sockets."

func (c *containers) flags(f *cmdline.Flags) {
	f.Group(cmdline.Containers)
	f.Var(cmdline.Globs(&c.namespaces), "namespace", "Measure only containers of pods in these namespaces.")
	f.Var(cmdline.Globs(&c.pods), "pod", "Measure only containers of these pods, named NAME or NAMESPACE/NAME.")
	f.Var(cmdline.Globs(&c.names), "container", "Measure only containers with these names.")
	c.endpointFlag(f)
}

func (c *containers) endpointFlag(f *cmdline.Flags) {
	f.Var(endpointValue(&c.endpoint), "runtime-endpoint", endpointUsage)
}

// endpointValue is the value of a flag for the socket of a container runtime.
func endpointValue(s *string) pflag.Value {
	return cmdline.Checked(s, "SOCKET", func(s string) error {
		if s == "" {
			return nil
		}
		_, err := cri.ParseEndpoint(s)
		return err
	})
}

// filters reports whether the flags select some containers only.
func (c *containers) filters() bool { return len(c.namespaces)+len(c.pods)+len(c.names) > 0 }

// watch asks the runtime once, then follows it until ctx is done. Without a runtime, workloads are named after their
// command; it is an error only if the flags select containers.
func (c *containers) watch(ctx context.Context) error {
	c.runtime = cri.New(c.endpoint)
	err := c.runtime.Refresh(ctx)
	if err != nil && c.filters() {
		return fmt.Errorf("--namespace, --pod and --container need the container runtime: %w", advise(err))
	}
	if c.filters() && len(c.selected()) == 0 {
		slog.Warn("no container matches --namespace, --pod and --container yet; waiting for one")
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

func advise(err error) error {
	if errors.Is(err, cri.ErrNone) {
		return fmt.Errorf("%w. Name another with --runtime-endpoint", err)
	}
	return err
}

// report keeps and logs an error of the runtime. It does not log that there is none: most machines run no containers.
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
		slog.Warn("the container runtime does not answer: new containers are named after their command",
			"reason", err)
	}
	c.failed = err
}

// warnings returns why names in a snapshot may be missing.
func (c *containers) warnings(s *profile.Snapshot) []profile.Warning {
	var all []profile.Warning
	if text := c.unlocated(); text != "" {
		all = append(all, profile.Warning{Text: text})
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	unnamed := func(r profile.Row) bool { return r.Workload.ContainerID != "" && !r.Workload.InContainer() }
	if c.failed != nil && (!errors.Is(c.failed, cri.ErrNone) || slices.ContainsFunc(s.Rows, unnamed)) {
		text := fmt.Sprintf("containers may be named after their command: %v", advise(c.failed))
		all = append(all, profile.Warning{Text: text})
	}
	return all
}

// unlocated returns a warning if processes of some containers cannot be found, else "".
func (c *containers) unlocated() string {
	if c.runtime == nil {
		return ""
	}
	lost := c.runtime.Unlocated()
	if len(lost) == 0 {
		return ""
	}
	first := slices.MinFunc(lost, func(a, b cri.Container) int { return cmp.Compare(a.ID, b.ID) })
	name := profile.Workload{Namespace: first.Namespace, Pod: first.Pod, Container: first.Name}.Name()
	return fmt.Sprintf("the processes of %d of %d containers were not found, so their calls are named after a command "+
		"and no flag selects them. The first is %s (%.12s): %s",
		len(lost), len(c.runtime.Containers()), name, first.ID, first.Unlocated)
}

// Name implements tracer.Namer.
func (c *containers) Name(w profile.Workload) profile.Workload {
	if c.runtime == nil {
		return w
	}
	if found, ok := c.runtime.Find(w.MntNS, w.Cgroup); ok {
		w.Namespace, w.Pod, w.Container = found.Namespace, found.Pod, found.Name
		w.ContainerID, w.Image, w.Labels = found.ID, found.Image, found.Labels
	}
	return w
}

// image returns the image of a container, see inforce.Images.
func (c *containers) image(mntns uint32, cgroup string) string {
	return c.Name(profile.Workload{MntNS: mntns, Cgroup: cgroup}).Image
}

// running returns the containers that run, nil without a runtime.
func (c *containers) running() []cri.Container {
	if c.runtime == nil {
		return nil
	}
	return c.runtime.Containers()
}

// selected returns the mount namespaces of the running containers that the flags select.
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
