package cri

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// Interval is how late a Watch notices a container that starts or ends.
	Interval = 500 * time.Millisecond
	// keep is how long a container that is gone can still be found.
	keep = 10 * time.Minute
	// maxAsked is how often a runtime is asked about a container whose process it does not tell.
	maxAsked = 5
	// statusesAtOnce bounds the calls that a runtime gets at the same time.
	statusesAtOnce = 8
)

// Runtime is a container runtime and what it said last. Its methods are safe for concurrent use; Find and Containers never wait
// for the runtime.
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

// New does not look for the runtime yet. The endpoint may be "": see the environment, crictl's configuration and the usual sockets.
func New(endpoint string) *Runtime {
	return &Runtime{endpoint: endpoint, table: map[string]*entry{}}
}

// Watch refreshes until ctx is done. It reports an error once, and again after the runtime has answered in between; nil says
// that it is back.
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

// Refresh asks the runtime what runs. After an error the containers known stay, and the next call dials anew.
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

// details asks for the status of what is new.
func (r *Runtime) details(ctx context.Context, c *client, listed []Container) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(statusesAtOnce)
	for i := range listed {
		known, running := r.byID(listed[i].ID)
		if running && (known.PID != 0 || known.asked == maxAsked) {
			listed[i] = known // it does not change
			continue
		}
		listed[i].asked = known.asked + 1
		g.Go(func() error {
			// It may have ended since the list.
			if err := c.detail(ctx, &listed[i]); !errors.Is(err, ErrNotFound) {
				return err
			}
			listed[i].Running = false
			return nil
		})
	}
	return g.Wait()
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

// Containers is what runs, as of the last Refresh.
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

// Find is the container, running or gone, that a cgroup belongs to, or else the last one that had the mount namespace: the kernel
// gives the number of a namespace that is gone to the next. 0 and "" are not known.
func (r *Runtime) Find(mntns uint32, cgroup string) (Container, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var owner, last *entry
	outermost := len(cgroup)
	for _, e := range r.table {
		// A container may make cgroups of any name below its own: the outermost counts.
		if at := within(cgroup, e.Cgroup); at >= 0 && at < outermost {
			owner, outermost = e, at
		}
		if mntns != 0 && e.MntNS == mntns && (last == nil || e.Running || !last.Running && e.gone.After(last.gone)) {
			last = e
		}
	}
	if owner == nil {
		owner = last
	}
	if owner == nil {
		return Container{}, false
	}
	return owner.Container, true
}

// Close ends the connection.
func (r *Runtime) Close() {
	r.refreshing.Lock()
	defer r.refreshing.Unlock()
	r.disconnect()
}
