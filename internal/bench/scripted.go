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

// Scripted executes scenarios from a file: those with setup and teardown commands through these commands, all others on
// the enforcer Own.
type Scripted struct {
	Own       Enforcer
	Scenarios []rundir.Scenario
	// OneNamespace says that all scenarios run in the same mount namespaces, those of a container.
	OneNamespace bool
	// Mark records which scenario is in force: before its setup and, with an empty name, after its teardown. Nil:
	// nothing is recorded.
	Mark func(scenario string) error

	mntns   map[string][]uint32 // by scenario: the namespaces of its workload
	current *rundir.Scenario    // whose setup has run
}

// teardownTimeout bounds the teardown of a bench that was interrupted.
const teardownTimeout = time.Minute

// Recover tears down a scenario that an earlier bench left in force, because it was killed. Its rules would be in force
// during every scenario otherwise.
func (d *Scripted) Recover(name string) error {
	i := slices.IndexFunc(d.Scenarios, func(s rundir.Scenario) bool { return s.Name == name && s.Setup != nil })
	if i < 0 {
		return fmt.Errorf("scenario %s, which an earlier bench left in force, is not in the plan", name)
	}
	d.current = &d.Scenarios[i]
	if d.current.Teardown == nil {
		return d.mark("")
	}
	return d.teardown()
}

// Switch tears down the scenario that is in force and sets up the one with state s. It returns when the ready command
// of that scenario succeeds.
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
		if err := d.mark(next.Name); err != nil {
			return err
		}
		d.current = next // even a setup that fails may leave something to tear down
		if err := run(ctx, next.Setup, "setup of "+next.Name, d.env(next)...); err != nil {
			return err
		}
		return d.ready(ctx, next)
	}
	return d.Own.Switch(ctx, s)
}

func (d *Scripted) mark(scenario string) error {
	if d.Mark == nil {
		return nil
	}
	return d.Mark(scenario)
}

// ready runs the ready command until it succeeds.
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

// teardown ends the scenario that is in force. It has its own context, so that it runs after an interrupt too.
func (d *Scripted) teardown() error {
	s := d.current
	d.current = nil
	if s == nil {
		return nil
	}
	if s.Teardown != nil {
		ctx, cancel := context.WithTimeout(context.Background(), teardownTimeout)
		defer cancel()
		if err := run(ctx, s.Teardown, "teardown of "+s.Name, d.env(s)...); err != nil {
			return err
		}
	}
	return d.mark("")
}

// env returns variables with the mount namespaces of a scenario's workload, for its commands. Built-in tests share one
// namespace, other tests have one each.
func (d *Scripted) env(s *rundir.Scenario) []string {
	var all []string
	for _, ns := range d.mntns[s.Name] {
		all = append(all, fmt.Sprint(ns))
	}
	return []string{"LSMPROF_MNTNS=" + strings.Join(all, ","), "LSMPROF_SCENARIO=" + s.Name}
}

// Confine remembers where the workload of a scenario runs.
func (d *Scripted) Confine(mntns uint32, s rundir.Scenario) error {
	if d.mntns == nil {
		d.mntns = map[string][]uint32{}
	}
	for name, all := range d.mntns {
		if name == s.Name || !d.OneNamespace { // the namespace was another scenario's in the round before
			d.mntns[name] = slices.DeleteFunc(all, func(ns uint32) bool { return ns == mntns })
		}
	}
	d.mntns[s.Name] = append(d.mntns[s.Name], mntns)
	if s.Setup != nil {
		s = rundir.Scenario{Name: "no-policy", State: rundir.Removed} // as far as Own is concerned
	}
	return d.Own.Confine(mntns, s)
}

// Forget calls Forget of the enforcer. Setup commands run in every round anyway.
func (d *Scripted) Forget() { d.Own.Forget() }

// Close tears down the scenario that is in force.
func (d *Scripted) Close() error { return errors.Join(d.teardown(), d.Own.Close()) }
