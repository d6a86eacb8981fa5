package recording

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/lsmprof/lsmprof/internal/inforce"
	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

// waiter are probes that measure nothing: the kernel counts by itself.
type waiter struct{}

func (waiter) StartCommand(start func() error) error { return start() }

func (waiter) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// CrossCheck measures the work again with the kernel's bpf_stats, and adds the result to snap. The probes must be
// detached. length is that of the pass; 0: see again.
func (w *Work) CrossCheck(ctx context.Context, snap *profile.Snapshot, length time.Duration) error {
	if ctx.Err() != nil {
		warn(snap, "no cross-check was made: the recording was interrupted")
		return nil
	}
	status := 0
	c, err := tracer.CrossCheck(*snap, func() (err error) {
		status, err = w.again(ctx, waiter{}, length)
		return err
	})
	if err != nil {
		return err
	}
	c.Rerun = len(w.Command) > 0
	snap.CrossCheck = c
	warnOfEnd(ctx, snap, "cross-check", status)
	return nil
}

// EachRule times the functions that look at one rule, and adds the result to snap. Beside the functions that registry
// knows, it times those named. The other probes must be detached. length is that of the pass; 0: see again.
func (w *Work) EachRule(
	ctx context.Context, snap *profile.Snapshot, opts tracer.Options, registry *inforce.Registry,
	functions []string,
	length time.Duration,
) error {
	if ctx.Err() != nil {
		warn(snap, "no rule was timed: the recording was interrupted")
		return nil
	}
	before, err := registry.ListRules()
	if err != nil {
		return err
	}
	r, err := tracer.StartEachRule(ctx, opts, func(p tracer.Program) []string {
		return append(registry.RuleFunctions(p), functions...)
	})
	if err != nil {
		return err
	}
	defer r.Close()
	status := 0
	timed := r.Functions()
	if len(timed) > 0 {
		if status, err = w.again(ctx, r, length); err != nil {
			return err
		}
	}
	e, warnings, err := r.Result()
	if err != nil {
		return err
	}
	after, err := registry.ListRules()
	if err != nil {
		return err
	}
	e.Rerun = len(w.Command) > 0
	for _, text := range registry.DescribeRules(e, snap, before, after) {
		warn(snap, "each rule: %s", text)
	}
	snap.EachRule = e
	snap.Warnings = append(snap.Warnings, warnings...)
	warnOfEnd(ctx, snap, "each rule", status)
	for _, name := range functions {
		if !slices.Contains(timed, name) {
			warn(snap, "each rule: no program that is measured has a function %s whose rules can be timed",
				name)
		}
	}
	if len(timed) == 0 {
		warn(snap, "no rule was timed: no program has a function that is known to look at one rule")
	}
	return r.Close()
}

// warnOfEnd warns if a pass was interrupted, or if its command ended with another status than 0.
func warnOfEnd(ctx context.Context, snap *profile.Snapshot, pass string, status int) {
	switch {
	case ctx.Err() != nil:
		warn(snap, "%s: the pass was interrupted", pass)
	case status != 0:
		warn(snap, "%s: the command ended with status %d when it ran again", pass, status)
	}
}

func warn(snap *profile.Snapshot, format string, args ...any) {
	snap.Warnings = append(snap.Warnings, profile.Warning{Text: fmt.Sprintf(format, args...)})
}
