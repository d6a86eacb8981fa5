package tracer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/internal/lsm"
	"github.com/lsmprof/lsmprof/profile"
)

// CalibrateOptions say what [Calibrate] measures. The zero value measures what the attached programs need.
type CalibrateOptions struct {
	// Sleepable calibrates for sleepable programs even if none is attached.
	Sleepable bool
	// Functions calibrates for probes on functions of the kernel, see Options.Functions.
	Functions bool
	// Logger receives, at level debug, why sleepable programs could not be calibrated. Nil: it is not logged.
	Logger *slog.Logger
}

// Calibrate measures what the probes read of a program that does nothing, what they add to a call, and what it costs
// to reach a program on a hook. All values are in ns.
//
// It attaches an empty LSM program of its own to task_getpgid, and compares the latency of getpgid(2) without it,
// with it, with a second one, and with probes on it. The latency without it is measured before and after: a CPU that
// changes its speed meanwhile widens the spread instead of shifting the difference.
//
// Calibrate needs root. It keeps one CPU busy for a fraction of a second, and waits for the RCU grace periods of
// attaching and detaching, which take 130 ms each on Linux 6.1 and 25 ms on 7.2. If the spread is too wide to be
// useful, it returns a calibration that is refused, not an error.
func Calibrate(ctx context.Context, opts CalibrateOptions) (_ profile.Calibration, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("calibrate: %w", err)
		}
	}()
	m, err := findMachine(ctx)
	if err != nil {
		return profile.Calibration{}, err
	}
	progs, err := Programs()
	if err != nil {
		return profile.Calibration{}, err
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer stayOnCPU()()

	refused := slices.ContainsFunc(progs, func(p Program) bool { return p.Attached() && p.Refused })
	var cal profile.Calibration
	if active, err := kernel.LSMs(); opts.Functions && err == nil && !slices.Contains(active, "bpf") {
		// No program ever runs, so there is nothing else to calibrate.
		cal = profile.Calibration{Runs: batches, Scope: m.scope, Preemptible: m.preemptible}
	} else if cal, err = calibratePlain(ctx, m, refused && len(attachedTo(lsm.TrialHook, progs)) == 0); err != nil {
		return profile.Calibration{}, err
	}
	if opts.Functions {
		if err := calibrateFunctions(&cal, m); err != nil {
			return profile.Calibration{}, err
		}
	}
	sleepable := slices.ContainsFunc(progs, func(p Program) bool { return p.Attached() && p.Sleepable })
	if m.scope == profile.ScopeProgram && (opts.Sleepable || sleepable) {
		if err := calibrateSleepable(&cal, m, attachedTo(sleepableHook, progs)); err != nil {
			// Start warns about each sleepable program.
			logger := cmp.Or(opts.Logger, slog.New(slog.DiscardHandler))
			logger.Debug("sleepable programs are not calibrated", "reason", err)
		}
	}
	cal.Judge()
	shareHook(&cal, attachedTo(lsm.TrialHook, progs))
	return cal, ctx.Err()
}

// calibratePlain calibrates for programs that are not sleepable and, if onHook is set, for probes on hooks as well.
func calibratePlain(ctx context.Context, m machine, onHook bool) (cal profile.Calibration, err error) {
	without := latency(callGetpgid, nil)
	first, err := attachEmpty()
	if err != nil {
		return cal, err
	}
	with := latency(callGetpgid, nil)
	second, err := attachEmpty()
	if err != nil {
		return cal, errors.Join(err, first.Close())
	}
	next := latency(callGetpgid, nil)
	readings, probed, err := first.probed(m, Filter{})
	var selective []float64
	if err == nil && m.scope == profile.ScopeProgram && ctx.Err() == nil {
		selective, _, err = first.probed(m, Filter{MntNS: ownNamespace()})
	}
	var hook []float64
	if err == nil && m.scope == profile.ScopeProgram && onHook && ctx.Err() == nil {
		hook, _, err = first.probedAt(wholeHook(first.program), m, Filter{})
	}
	// Each Close waits for grace periods: close both at once.
	closed := make(chan error)
	go func() { closed <- second.Close() }()
	if err := errors.Join(err, first.Close(), <-closed, ctx.Err()); err != nil {
		return cal, err
	}
	without = append(without, latency(callGetpgid, nil)...)

	cal = profile.Calibration{
		Runs:         batches,
		Scope:        m.scope,
		Preemptible:  m.preemptible,
		Bias:         median(readings),
		Dispatch:     less(with, without),
		DispatchNext: less(next, with),
		ProbeCost:    less(probed, next),
	}
	if len(selective) > 0 {
		cal.BiasSelective = median(selective)
	}
	if len(hook) > 0 {
		// Both empty programs were on the hook.
		cal.BiasHook = median(hook)
		cal.BiasHook.Value = max(0, cal.BiasHook.Value-cal.DispatchNext.Value)
	}
	return cal, nil
}

// calibrateSleepable measures what differs for sleepable programs: the kernel reaches them another way, and their
// probes keep the start with the task. If other programs are on the hook, the dispatch stays unknown.
func calibrateSleepable(cal *profile.Calibration, m machine, others []string) error {
	without := latency(callCapget, nil)
	e, err := attachEmptySleepable()
	if err != nil {
		return err
	}
	defer e.Close()
	with := latency(callCapget, nil)
	readings, _, err := e.probed(m, Filter{})
	if err != nil {
		return err
	}
	cal.BiasSleepable = median(readings)
	if len(others) == 0 {
		cal.DispatchSleepable = less(with, without)
	}
	return e.Close()
}

// shareHook corrects a calibration if other programs are on the hook.
func shareHook(cal *profile.Calibration, others []string) {
	if len(others) == 0 {
		return
	}
	who := strings.Join(others, ", ")
	if cal.Scope == profile.ScopeHook {
		// The reading of the hook contains theirs.
		cal.Refused = fmt.Sprintf("%s is on the hook %s, where lsmprof calibrates", who, lsm.TrialHook)
		return
	}
	cal.Dispatch = cal.DispatchNext
	cal.Warnings = append(cal.Warnings, profile.Warning{
		Kind: profile.WarnCalibrationShared,
		Text: fmt.Sprintf("%s is on the hook %s, where lsmprof calibrates: the cost of reaching the first "+
			"program on a hook cannot be measured. That of reaching an additional one replaces it",
			who, lsm.TrialHook),
	})
}

// attachedTo returns the names of the programs on a hook.
func attachedTo(hook string, progs []Program) (names []string) {
	for _, p := range progs {
		if p.Attached() && p.Hook == hook {
			names = append(names, p.Name)
		}
	}
	return names
}

// median returns the median of xs, with the distance between the quartiles.
func median(xs []float64) profile.Median {
	xs = slices.Clone(xs)
	slices.Sort(xs)
	n := len(xs)
	return profile.Median{Value: xs[n/2], Spread: xs[n*3/4] - xs[n/4]}
}

// less returns the difference of two medians, at least 0, with the sum of their spreads.
func less(a, b []float64) profile.Median {
	x, y := median(a), median(b)
	return profile.Median{Value: max(0, x.Value-y.Value), Spread: x.Spread + y.Spread}
}

// pinnedTo returns the CPU that this thread may run on if there is just one, as after stayOnCPU, else all.
func pinnedTo(all []int) []int {
	var allowed unix.CPUSet
	if unix.SchedGetaffinity(0, &allowed) != nil || allowed.Count() != 1 {
		return all
	}
	for cpu := range 1024 {
		if allowed.IsSet(cpu) {
			return []int{cpu}
		}
	}
	return all
}

// stayOnCPU keeps this thread on its first CPU until release is called.
func stayOnCPU() (release func()) {
	var before, one unix.CPUSet
	if unix.SchedGetaffinity(0, &before) != nil {
		return func() {}
	}
	for cpu := range 1024 {
		if before.IsSet(cpu) {
			one.Set(cpu)
			break
		}
	}
	if unix.SchedSetaffinity(0, &one) != nil {
		return func() {}
	}
	return func() { _ = unix.SchedSetaffinity(0, &before) }
}
