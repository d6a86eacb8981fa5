package tracer

import (
	"errors"
	"fmt"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/bpf"
	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/internal/lsm"
	"github.com/lsmprof/lsmprof/profile"
)

const (
	emptyProgram          = "lsmprof_empty"
	emptySleepableProgram = "lsmprof_empty_sleepable"
	sleepableHook         = "capget"

	// A batch is short enough that most batches are not interrupted. There are enough batches that those that are
	// interrupted do not reach the quartiles.
	batches   = 400
	batchSize = 25
)

// forCalibration reports whether lsmprof calibrates with the program.
func (p Program) forCalibration() bool {
	return p.Name == emptyProgram || p.Name == emptySleepableProgram || p.Name == walkProgramName
}

// calibrationProgram is an attached LSM program that does nothing.
type calibrationProgram struct {
	program Program
	call    func() // a syscall that runs it
	link    link.Link
	prog    *ebpf.Program
}

// attachEmpty attaches to lsm.TrialHook, which getpgid(2) calls.
func attachEmpty() (*calibrationProgram, error) {
	return attachCalibrationProgram(Program{Name: emptyProgram, Hook: lsm.TrialHook}, callGetpgid)
}

// attachEmptySleepable attaches to sleepableHook, which capget(2) calls.
func attachEmptySleepable() (*calibrationProgram, error) {
	p := Program{Name: emptySleepableProgram, Hook: sleepableHook, Sleepable: true}
	return attachCalibrationProgram(p, callCapget)
}

func attachCalibrationProgram(p Program, call func()) (_ *calibrationProgram, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("attach %s: %w", p.Name, lsm.ExplainLoad(err))
		}
	}()
	if err := rlimit.RemoveMemlock(); err != nil {
		return nil, err
	}
	spec, err := bpf.LoadEmpty()
	if err != nil {
		return nil, err
	}
	var objs struct {
		Program *ebpf.Program `ebpf:"program"`
	}
	spec = withPrograms(spec, map[string]string{"program": p.Name})
	if err := spec.LoadAndAssign(&objs, &ebpf.CollectionOptions{Cache: kernelTypes}); err != nil {
		return nil, err
	}
	l, err := link.AttachLSM(link.LSMOptions{Program: objs.Program})
	if err != nil {
		return nil, errors.Join(err, objs.Program.Close())
	}
	info, err := objs.Program.Info()
	if err != nil {
		return nil, errors.Join(err, l.Close(), objs.Program.Close())
	}
	p.ID, _ = info.ID()
	return &calibrationProgram{p, call, l, objs.Program}, nil
}

// Close detaches the program. A second call does nothing.
func (c *calibrationProgram) Close() error {
	if c.link == nil {
		return nil
	}
	err := errors.Join(c.link.Close(), c.prog.Close())
	c.link = nil
	return err
}

// probed returns, of each batch, the mean reading of the program and the latency of a call with probes on the
// program, in ns.
func (c *calibrationProgram) probed(m machine, f Filter) (readings, latencies []float64, err error) {
	return c.probedAt(target{program: c.program, scope: m.scope}, m, f)
}

// probedAt is probed with probes on another target that the calls reach.
func (c *calibrationProgram) probedAt(t target, m machine, f Filter) (readings, latencies []float64, err error) {
	return probed(t, m, f, c.call)
}

// probed returns, of each batch, the mean reading of a target and the latency of a call that reaches it, in ns.
func probed(t target, m machine, f Filter, call func()) (readings, latencies []float64, err error) {
	l, err := newLoader(f, m, 1)
	if err != nil {
		return nil, nil, err
	}
	defer l.Close()
	l.online = pinnedTo(l.online)
	p, err := l.attachAtHome(t, call)
	if err != nil {
		return nil, nil, err
	}
	defer p.Close()
	latencies = latency(call, func() {
		var sum uint64
		var all profile.Histogram
		p.counters.drain(func(d *count) { sum += d.sum; all.Merge(&d.readings) })
		if n := all.Count(); n > 0 {
			readings = append(readings, float64(sum)/float64(n))
		}
	})
	if len(readings) == 0 {
		return nil, nil, fmt.Errorf("the probes on %s recorded no call: %w", t, ErrUnsupported)
	}
	return readings, latencies, nil
}

// attachAtHome attaches probes to a target and lets them record. The calls find their counters where their keys hash
// to, as almost all do with the usual memory. Elsewhere a call takes 10 % longer, and in a small front, the special
// counters alone would take the places of a fourth of the keys.
func (l *loader) attachAtHome(t target, call func()) (*probe, error) {
	const memory, most = 1 << 18, 1 << 22 // every kernel takes a value of this size
	for l.share = memory; ; l.share *= 2 {
		p, err := l.attach(t, nil)
		if err != nil {
			return nil, err
		}
		l.control.open()
		call()
		p.counters.drain(func(*count) {})
		if l.share == most || !p.counters.displaced() {
			return p, nil
		}
		l.control.shut()
		if err := p.Close(); err != nil {
			return nil, err
		}
	}
}

// latency returns the mean time of a call in each batch, in ns. It calls then, unless that is nil, after each batch.
func latency(call, then func()) []float64 {
	out := make([]float64, 0, batches)
	for range batches {
		out = append(out, latencyOfBatch(call))
		if then != nil {
			then()
		}
	}
	return out
}

func latencyOfBatch(call func()) float64 {
	start := time.Now()
	for range batchSize {
		call()
	}
	return float64(time.Since(start).Nanoseconds()) / batchSize
}

var self = uintptr(unix.Getpid()) // getpgid(0) does not call task_getpgid

func callGetpgid() { _, _, _ = unix.RawSyscall(unix.SYS_GETPGID, self, 0, 0) }

func callCapget() {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	_, _, _ = unix.RawSyscall(unix.SYS_CAPGET,
		uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&data[0])), 0)
}

// ownNamespace returns the mount namespace of this thread. The first thread of a program that uses this package may be
// in another one: Go keeps that thread, but runs nothing on it any more, if a goroutine ended that was locked to it.
func ownNamespace() []uint32 {
	ns, err := kernel.MountNamespace("/proc/thread-self")
	if err != nil {
		return nil
	}
	return []uint32{ns}
}
