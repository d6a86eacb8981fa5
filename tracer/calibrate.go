package tracer

import (
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/profile"
)

// Calibrate measures, on this machine and on one CPU, what lsmprof itself reads and adds: with an empty LSM program of its own on
// task_getpgid, the latency of getpgid(2) without it, with it, with a second one, and with probes on it. What is compared is
// measured on the way there and on the way back: a CPU that gets faster or slower meanwhile is in the spread, not in the
// difference. It needs what Start needs, and takes a fraction of a second.
func Calibrate(scope profile.Scope, preemptible bool) (_ profile.Calibration, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("calibrate: %w", err)
		}
	}()
	others, err := attachedTo(trialHook)
	if err != nil {
		return profile.Calibration{}, err
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer stayOnCPU()()

	without := latency(callGetpgid, nil)
	first, err := attachEmpty()
	if err != nil {
		return profile.Calibration{}, err
	}
	defer first.Close()
	with := latency(callGetpgid, nil)

	second, err := attachEmpty()
	if err != nil {
		return profile.Calibration{}, err
	}
	further := latency(callGetpgid, nil)
	if err := second.Close(); err != nil {
		return profile.Calibration{}, err
	}
	readings, probed, err := first.probed(scope, Filter{}, preemptible)
	if err != nil {
		return profile.Calibration{}, err
	}
	var selective []float64
	if scope == profile.ScopeProgram {
		if selective, _, err = first.probed(scope, Filter{MntNS: ownNamespace()}, preemptible); err != nil {
			return profile.Calibration{}, err
		}
	}
	with = append(with, latency(callGetpgid, nil)...)
	if err := first.Close(); err != nil {
		return profile.Calibration{}, err
	}
	without = append(without, latency(callGetpgid, nil)...)

	cal := profile.Calibration{
		Runs:        batches,
		Scope:       scope,
		Preemptible: preemptible,
		Bias:        median(readings),
		Dispatch:    less(with, without),
		Further:     less(further, with),
		ProbeCost:   less(probed, with),
	}
	if len(selective) > 0 {
		cal.BiasSelective = median(selective)
	}
	if scope == profile.ScopeProgram {
		if err := calibrateSleepable(&cal, preemptible); err != nil {
			slog.Debug("sleepable programs are not calibrated", "reason", err) // Start warns where there are any
		}
	}
	cal.Judge()
	shareHook(&cal, others)
	return cal, nil
}

// calibrateSleepable measures what is different for sleepable programs: the kernel reaches them another way, and their probes keep
// the start with the task. Beside programs of somebody else the dispatch stays unknown.
func calibrateSleepable(cal *profile.Calibration, preemptible bool) error {
	others, err := attachedTo(sleepableHook)
	if err != nil {
		return err
	}
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
		cal.Refused = fmt.Sprintf("%s is on the hook %s, where lsmprof calibrates; detach it, or give a --calibration from before", who, trialHook)
		return
	}
	cal.Dispatch = cal.Further
	cal.Warnings = append(cal.Warnings, fmt.Sprintf("%s is on the hook %s, where lsmprof calibrates: what the first program on a hook costs "+
		"could not be measured and counts as little as that of a further one; detach it, calibrate, and give --calibration", who, trialHook))
}

// attachedTo names the programs on a hook.
func attachedTo(hook string) (names []string, err error) {
	progs, err := Programs()
	for _, p := range progs {
		if p.Attached() && p.Hook == hook {
			names = append(names, p.Name)
		}
	}
	return names, err
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
