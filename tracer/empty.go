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

	// A batch is so short that most are not interrupted, and there are so many that those that are do not reach the quartiles.
	batches   = 400
	batchSize = 25
)

// ours says whether lsmprof calibrates with the program.
func (p Program) ours() bool { return p.Name == emptyProgram || p.Name == emptySleepableProgram }

// empty is an attached program that does nothing.
type empty struct {
	program Program
	reach   func() // a syscall that reaches it
	link    link.Link
	prog    *ebpf.Program
}

// attachEmpty attaches to lsm.TrialHook, which getpgid(2) reaches.
func attachEmpty() (*empty, error) {
	return attachOne(Program{Name: emptyProgram, Hook: lsm.TrialHook}, callGetpgid)
}

// attachEmptySleepable attaches to sleepableHook, which capget(2) reaches.
func attachEmptySleepable() (*empty, error) {
	return attachOne(Program{Name: emptySleepableProgram, Hook: sleepableHook, Sleepable: true}, callCapget)
}

func attachOne(p Program, reach func()) (_ *empty, err error) {
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
	if err := choose(spec, map[string]string{"program": p.Name}).LoadAndAssign(&objs, &ebpf.CollectionOptions{Cache: kernelTypes}); err != nil {
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
	return &empty{p, reach, l, objs.Program}, nil
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
func (e *empty) probed(scope profile.Scope, f Filter, preemptible bool) (readings, probed []float64, err error) {
	l, err := newLoader(f, preemptible, 1)
	if err != nil {
		return nil, nil, err
	}
	defer l.Close()
	p, err := l.attach(target{e.program, scope})
	if err != nil {
		return nil, nil, err
	}
	defer p.Close()
	l.control.open()
	probed = latency(e.reach, func() {
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

// latency is the time of one syscall in each batch, in ns; then is called after each.
func latency(syscall, then func()) []float64 {
	out := make([]float64, 0, batches)
	for range batches {
		start := time.Now()
		for range batchSize {
			syscall()
		}
		out = append(out, float64(time.Since(start).Nanoseconds())/batchSize)
		if then != nil {
			then()
		}
	}
	return out
}

var self = uintptr(unix.Getpid()) // task_getpgid is not reached for pid 0

func callGetpgid() { _, _, _ = unix.RawSyscall(unix.SYS_GETPGID, self, 0, 0) }

func callCapget() {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	_, _, _ = unix.RawSyscall(unix.SYS_CAPGET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&data[0])), 0)
}

// ownNamespace is the mount namespace of this process.
func ownNamespace() []uint32 {
	ns, err := kernel.MountNamespace("/proc/self")
	if err != nil {
		return nil
	}
	return []uint32{ns}
}
