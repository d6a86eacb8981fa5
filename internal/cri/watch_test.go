package cri

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/lsmprof/lsmprof/internal/cri/critest"
)

func TestWatchFollowsPodsAndARestartedRuntime(t *testing.T) {
	c := containerd(t)
	r := New(c.Socket)
	defer r.Close()
	reports := make(chan error, 10)
	ctx, stop := context.WithCancel(t.Context())
	watching := make(chan struct{})
	go func() {
		defer close(watching)
		r.Watch(ctx, func(err error) { reports <- err })
	}()
	defer func() { stop(); <-watching }()

	first := c.Pod("default", "first", nil, "").Container("app", critest.App)
	id := first.Containers["app"]
	seen := waitFor(t, r, id, true)

	c.Kill()
	if err := <-reports; err == nil {
		t.Error("no report of a dead runtime")
	}
	if found, ok := r.Find(seen.MntNS, ""); !ok || found.ID != id {
		t.Errorf("while the runtime is dead: found %+v, want %s", found, id)
	}
	c.Launch()
	if err := <-reports; err != nil {
		t.Errorf("after the restart: report %v, want nil", err)
	}

	first.Stop()
	waitFor(t, r, id, false)
	for _, by := range []struct {
		mntns  uint32
		cgroup string
	}{{seen.MntNS, ""}, {0, seen.cgroups[0]}} {
		if found, ok := r.Find(by.mntns, by.cgroup); !ok || found.ID != id || found.Running ||
			found.Pod != "first" {
			t.Errorf("stopped, by %+v: found %+v, want %s, not running", by, found, id)
		}
	}
	second := c.Pod("default", "second", nil, "").Container("app", critest.App).Containers["app"]
	heir := waitFor(t, r, second, true)
	if found, ok := r.Find(heir.MntNS, ""); !ok || found.ID != second {
		t.Errorf("the new container in the namespace: found %+v, want %s", found, second)
	}
	if found, ok := r.Find(heir.MntNS, seen.cgroups[0]); !ok || found.ID != id {
		t.Errorf("by the cgroup of the one that stopped: found %+v, want %s", found, id)
	}
	select {
	case err := <-reports:
		t.Errorf("another report: %v", err)
	default:
	}
}

func waitFor(t *testing.T, r *Runtime, id string, want bool) (c Container) {
	t.Helper()
	critest.Wait(t, fmt.Sprintf("container %.12s, running: %v", id, want), func() error {
		found, running := r.byID(id)
		if running != want || found.ID == "" {
			return errors.New("not yet")
		}
		c = found
		return nil
	})
	return c
}
