package tracer

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/lsm"
	"github.com/lsmprof/lsmprof/profile"
)

// Calibrate measures, on this machine and on one CPU, what lsmprof itself reads and adds: with an empty LSM program of its own on
// task_getpgid, the latency of getpgid(2) without it, with it, with a second one, and with probes on it. The first is measured again
// at the end: a CPU that gets faster or slower meanwhile is in the spread, not in the difference. Sleepable programs are calibrated
// where some are attached, or when asked for. It needs what Start needs, and takes a fraction of a second: attaching and detaching a
// program takes the kernel RCU grace periods, 130 ms a time on 6.1, 25 ms on 7.2.
func Calibrate(scope profile.Scope, preemptible, sleepable bool) (_ profile.Calibration, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("calibrate: %w", err)
		}
	}()
	progs, err := Programs()
	if err != nil {
		return profile.Calibration{}, err
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer stayOnCPU()()

	cal, err := calibratePlain(scope, preemptible)
	if err != nil {
		return profile.Calibration{}, err
	}
	asleep := slices.ContainsFunc(progs, func(p Program) bool { return p.Attached() && p.Sleepable })
	if scope == profile.ScopeProgram && (sleepable || asleep) {
		if err := calibrateSleepable(&cal, preemptible, attachedTo(sleepableHook, progs)); err != nil {
			slog.Debug("sleepable programs are not calibrated", "reason", err) // Start warns where there are any
		}
	}
	cal.Judge()
	shareHook(&cal, attachedTo(lsm.TrialHook, progs))
	return cal, nil
}

func calibratePlain(scope profile.Scope, preemptible bool) (cal profile.Calibration, err error) {
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
	further := latency(callGetpgid, nil)
	readings, probed, err := first.probed(scope, Filter{}, preemptible)
	var selective []float64
	if err == nil && scope == profile.ScopeProgram {
		selective, _, err = first.probed(scope, Filter{MntNS: ownNamespace()}, preemptible)
	}
	// At once: each waits for the kernel.
	closed := make(chan error)
	go func() { closed <- second.Close() }()
	if err := errors.Join(err, first.Close(), <-closed); err != nil {
		return cal, err
	}
	without = append(without, latency(callGetpgid, nil)...)

	cal = profile.Calibration{
		Runs:         batches,
		Scope:        scope,
		Preemptible:  preemptible,
		Bias:         median(readings),
		Dispatch:     less(with, without),
		DispatchNext: less(further, with),
		ProbeCost:    less(probed, further),
	}
	if len(selective) > 0 {
		cal.BiasSelective = median(selective)
	}
	return cal, nil
}

// calibrateSleepable measures what is different for sleepable programs: the kernel reaches them another way, and their probes keep
// the start with the task. Beside programs of somebody else the dispatch stays unknown.
func calibrateSleepable(cal *profile.Calibration, preemptible bool, others []string) error {
	without := latency(callCapget, nil)
	e, err := attachEmptySleepable()
	if err != nil {
		return err
	}
	defer e.Close()
	with := latency(callCapget, nil)
	readings, _, err := e.probed(cal.Scope, Filter{}, preemptible)
	if err != nil {
		return err
	}
	cal.BiasSleepable = median(readings)
	if len(others) == 0 {
		cal.DispatchSleepable = less(with, without)
	}
	return e.Close()
}

// shareHook corrects what was measured beside programs of somebody else on the same hook.
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
		Text: fmt.Sprintf("%s is on the hook %s, where lsmprof calibrates: what the first program on a hook costs could not be measured, "+
			"and counts as little as that of a further one", who, lsm.TrialHook),
	})
}

// attachedTo names the programs on a hook.
func attachedTo(hook string, progs []Program) (names []string) {
	for _, p := range progs {
		if p.Attached() && p.Hook == hook {
			names = append(names, p.Name)
		}
	}
	return names
}

// median of xs, with the distance between its quartiles.
func median(xs []float64) profile.Median {
	xs = slices.Clone(xs)
	slices.Sort(xs)
	n := len(xs)
	return profile.Median{Value: xs[n/2], Spread: xs[n*3/4] - xs[n/4]}
}

// less is the difference of two medians; their spreads add up.
func less(a, b []float64) profile.Median {
	x, y := median(a), median(b)
	return profile.Median{Value: max(0, x.Value-y.Value), Spread: x.Spread + y.Spread}
}

// stayOnCPU keeps this thread where it is until the returned function is called.
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
