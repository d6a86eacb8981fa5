package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lsmprof/lsmprof/internal/rundir"
)

// Scripted runs the scenarios of a file: those with commands through them, the others on an enforcer of ours.
type Scripted struct {
	Own       Enforcer
	Scenarios []rundir.Scenario
	// OneNamespace: all scenarios are in one mount namespace, that of a container.
	OneNamespace bool
	mntns        map[string][]uint32 // by scenario: where its workload is
	current      *rundir.Scenario    // whose setup has run
}

// teardownTimeout bounds a teardown after the bench was interrupted.
const teardownTimeout = time.Minute

// Switch ends the scenario in force and begins another one: it is begun when ready succeeds.
func (d *Scripted) Switch(ctx context.Context, s rundir.State) error {
	if err := d.teardown(); err != nil {
		return err
	}
	for i := range d.Scenarios {
		next := &d.Scenarios[i]
		if next.Setup == nil || next.State != s {
			continue
		}
		if err := d.Own.Switch(ctx, rundir.Removed); err != nil {
			return err
		}
		d.current = next // from here on there is something to tear down
		if err := run(ctx, next.Setup, "setup of "+next.Name, d.env(next)...); err != nil {
			return err
		}
		return d.ready(ctx, next)
	}
	return d.Own.Switch(ctx, s)
}

// ready asks until the answer is yes.
func (d *Scripted) ready(ctx context.Context, s *rundir.Scenario) error {
	if s.Ready == nil {
		return nil
	}
	deadline := time.Now().Add(s.Ready.Timeout)
	for {
		err := run(ctx, s.Ready, "ready of "+s.Name, d.env(s)...)
		if err == nil || ctx.Err() != nil {
			return errors.Join(ctx.Err(), err)
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("not ready after %s: %w", s.Ready.Timeout, err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// teardown runs also when the bench was interrupted.
func (d *Scripted) teardown() error {
	s := d.current
	d.current = nil
	if s == nil || s.Teardown == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), teardownTimeout)
	defer cancel()
	return run(ctx, s.Teardown, "teardown of "+s.Name, d.env(s)...)
}

// env tells the commands which mount namespaces the workload of the scenario lives in: built-in tests share one, others have one each.
func (d *Scripted) env(s *rundir.Scenario) []string {
	var all []string
	for _, ns := range d.mntns[s.Name] {
		all = append(all, fmt.Sprint(ns))
	}
	return []string{"LSMPROF_MNTNS=" + strings.Join(all, ","), "LSMPROF_SCENARIO=" + s.Name}
}

// Confine notes where a scenario's workload is.
func (d *Scripted) Confine(mntns uint32, s rundir.Scenario) error {
	if d.mntns == nil {
		d.mntns = map[string][]uint32{}
	}
	for name, all := range d.mntns {
		if name == s.Name || !d.OneNamespace { // it was another scenario's in the round before
			d.mntns[name] = slices.DeleteFunc(all, func(ns uint32) bool { return ns == mntns })
		}
	}
	d.mntns[s.Name] = append(d.mntns[s.Name], mntns)
	if s.Setup != nil {
		s = rundir.Scenario{Name: "no-policy", State: rundir.Removed} // of ours
	}
	return d.Own.Confine(mntns, s)
}

// Forget passes it on: the commands run again with every round anyway.
func (d *Scripted) Forget() { d.Own.Forget() }

// Close tears down what is in force.
func (d *Scripted) Close() error { return errors.Join(d.teardown(), d.Own.Close()) }
