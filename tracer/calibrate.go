package tracer

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/bpf"
	"github.com/lsmprof/lsmprof/profile"
)

const (
	emptyProgram = "lsmprof_empty"

	// A batch is so short that most are not interrupted, and there are so many that those that are do not reach the quartiles.
	batches   = 400
	batchSize = 25
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

	without := latency(nil)
	first, err := attachEmpty()
	if err != nil {
		return profile.Calibration{}, err
	}
	defer first.Close()
	with := latency(nil)

	second, err := attachEmpty()
	if err != nil {
		return profile.Calibration{}, err
	}
	further := latency(nil)
	if err := second.Close(); err != nil {
		return profile.Calibration{}, err
	}
	readings, probed, err := first.probed(scope, preemptible)
	if err != nil {
		return profile.Calibration{}, err
	}
	with = append(with, latency(nil)...)
	if err := first.Close(); err != nil {
		return profile.Calibration{}, err
	}
	without = append(without, latency(nil)...)

	cal := profile.Calibration{
		Runs:        batches,
		Scope:       scope,
		Preemptible: preemptible,
		Bias:        median(readings),
		Dispatch:    less(with, without),
		Further:     less(further, with),
		ProbeCost:   less(probed, with),
	}
	cal.Judge()
	shareHook(&cal, others)
	return cal, nil
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

// empty is an attached program that does nothing.
type empty struct {
	link link.Link
	prog *ebpf.Program
}

func attachEmpty() (*empty, error) {
	var objs bpf.EmptyObjects
	if err := rlimit.RemoveMemlock(); err != nil {
		return nil, err
	}
	if err := bpf.LoadEmptyObjects(&objs, nil); err != nil {
		return nil, fmt.Errorf("load %s: %w", emptyProgram, explainLoad(err))
	}
	l, err := link.AttachLSM(link.LSMOptions{Program: objs.LsmprofEmpty})
	if err != nil {
		objs.Close()
		return nil, fmt.Errorf("attach %s: %w", emptyProgram, explainLoad(err))
	}
	return &empty{l, objs.LsmprofEmpty}, nil
}

// Close detaches; a second time it does nothing.
func (e *empty) Close() error {
	if e.link == nil {
		return nil
	}
	err := errors.Join(e.link.Close(), e.prog.Close())
	e.link = nil
	return err
}

// probed is the reading of the program and the latency while probes are on it, of each batch.
func (e *empty) probed(scope profile.Scope, preemptible bool) (readings, probed []float64, err error) {
	info, err := e.prog.Info()
	if err != nil {
		return nil, nil, err
	}
	id, _ := info.ID()
	l, err := newLoader(Filter{}, preemptible, 1, 16)
	if err != nil {
		return nil, nil, err
	}
	defer l.Close()
	p, err := l.attach(target{Program{ID: id, Name: emptyProgram, Hook: trialHook}, scope})
	if err != nil {
		return nil, nil, err
	}
	defer p.Close()
	l.control.open()
	probed = latency(func() {
		var c count
		err = errors.Join(err, p.cells.drain(func(d *count) { c.sum += d.sum; c.readings.Merge(&d.readings) }))
		if n := c.readings.Count(); n > 0 {
			readings = append(readings, float64(c.sum)/float64(n))
		}
	})
	if err == nil && len(readings) == 0 {
		err = fmt.Errorf("the probes saw nothing: %w", ErrUnsupported)
	}
	return readings, probed, err
}

// latency is the time of one getpgid(2) in each batch, in ns; then is called after each. The hook is not reached for pid 0.
func latency(then func()) []float64 {
	self := uintptr(unix.Getpid())
	out := make([]float64, 0, batches)
	for range batches {
		start := time.Now()
		for range batchSize {
			unix.RawSyscall(unix.SYS_GETPGID, self, 0, 0)
		}
		out = append(out, float64(time.Since(start).Nanoseconds())/batchSize)
		if then != nil {
			then()
		}
	}
	return out
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
