package cri

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// Interval is how late Watch notices a container that starts or ends.
	Interval = 500 * time.Millisecond
	// keep is how long Find still returns a container that is gone.
	keep = 10 * time.Minute
	// maxAsked bounds how many times the runtime is asked for a container whose process is not found.
	maxAsked = 5
	// maxStatuses bounds the calls that a runtime gets at the same time.
	maxStatuses = 8
)

// Runtime is a container runtime, with the containers that it listed last. Its methods are safe for concurrent use.
// Find, Containers and Unlocated never wait for the runtime.
type Runtime struct {
	endpoint string

	refreshing sync.Mutex // held over calls to the runtime
	client     *client    // nil: to be dialled

	mu    sync.RWMutex
	table map[string]*entry
}

type entry struct {
	Container
	gone time.Time
}

// New returns a Runtime that is not connected yet. If the endpoint is "", the environment, crictl's configuration or
// the usual sockets name it.
func New(endpoint string) *Runtime {
	return &Runtime{endpoint: endpoint, table: map[string]*entry{}}
}

// Watch refreshes until ctx is done. It reports the first error of a series, and nil when the runtime answers again.
func (r *Runtime) Watch(ctx context.Context, report func(error)) {
	tick := time.NewTicker(Interval)
	defer tick.Stop()
	failed := false
	for {
		err := r.Refresh(ctx)
		if ctx.Err() != nil {
			return
		}
		if (err != nil) != failed {
			failed = err != nil
			report(err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Refresh asks the runtime what runs. After an error, the known containers stay, and the next call connects again.
func (r *Runtime) Refresh(ctx context.Context) error {
	r.refreshing.Lock()
	defer r.refreshing.Unlock()
	c, err := r.connect(ctx)
	if err != nil {
		return err
	}
	listed, err := c.list(ctx)
	if err == nil {
		err = r.details(ctx, c, listed)
	}
	if err != nil {
		r.disconnect()
		return err
	}
	r.update(listed, time.Now())
	return nil
}

func (r *Runtime) connect(ctx context.Context) (_ *client, err error) {
	if r.client == nil {
		r.client, err = dial(ctx, r.endpoint)
	}
	return r.client, err
}

func (r *Runtime) disconnect() {
	if r.client != nil {
		r.client.conn.Close()
		r.client = nil
	}
}

// details asks for the status of new containers, and finds their processes.
func (r *Runtime) details(ctx context.Context, c *client, listed []Container) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(maxStatuses)
	var fresh []*Container
	for i := range listed {
		known, running := r.byID(listed[i].ID)
		if running && (known.MntNS != 0 || known.asked == maxAsked) {
			listed[i] = known // its status does not change
			continue
		}
		listed[i].asked = known.asked + 1
		fresh = append(fresh, &listed[i])
		g.Go(func() error {
			// It may have ended since it was listed.
			if err := c.detail(ctx, &listed[i]); !errors.Is(err, ErrNotFound) {
				return err
			}
			listed[i].Running = false
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for _, c := range fresh {
		if c.Running {
			c.locate("/proc", listed)
		}
	}
	return nil
}

func (r *Runtime) update(listed []Container, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	running := map[string]bool{}
	for _, c := range listed {
		running[c.ID] = c.Running
		r.table[c.ID] = &entry{Container: c}
	}
	for id, e := range r.table {
		switch {
		case running[id]:
		case e.Running || e.gone.IsZero():
			e.Running, e.gone = false, now
		case now.Sub(e.gone) > keep:
			delete(r.table, id)
		}
	}
}

func (r *Runtime) byID(id string) (Container, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	e, ok := r.table[id]
	if !ok {
		return Container{}, false
	}
	return e.Container, e.Running
}

// Containers returns the containers and sandboxes that run, as of the last Refresh.
func (r *Runtime) Containers() []Container {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var all []Container
	for _, e := range r.table {
		if e.Running {
			all = append(all, e.Container)
		}
	}
	return all
}

// Unlocated returns the running containers none of whose processes was found: their calls can neither be named nor
// selected.
func (r *Runtime) Unlocated() []Container {
	return slices.DeleteFunc(r.Containers(), func(c Container) bool { return c.Unlocated == "" })
}

// Find returns the container, running or gone, that a cgroup belongs to. If none does, it returns the last one that had
// the mount namespace: the kernel reuses the number of a namespace that is gone. A value of 0 or "" matches none.
func (r *Runtime) Find(mntns uint32, cgroup string) (Container, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	found := owner(cgroup, func(yield func(*Container) bool) {
		for _, e := range r.table {
			if !yield(&e.Container) {
				return
			}
		}
	})
	if found == nil {
		found = r.lastIn(mntns)
	}
	if found == nil {
		return Container{}, false
	}
	return *found, true
}

// lastIn returns the container that has a mount namespace, or was the last to have it.
func (r *Runtime) lastIn(mntns uint32) *Container {
	var last *entry
	for _, e := range r.table {
		if mntns != 0 && e.MntNS == mntns &&
			(last == nil || e.Running || !last.Running && e.gone.After(last.gone)) {
			last = e
		}
	}
	if last == nil {
		return nil
	}
	return &last.Container
}

// Close closes the connection.
func (r *Runtime) Close() {
	r.refreshing.Lock()
	defer r.refreshing.Unlock()
	r.disconnect()
}
