package accuracy

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

// Figure is a line of the table: what a way to measure adds to an operation that runs one program once.
type Figure struct {
	Operation string  `json:"operation"`
	Method    string  `json:"method"`
	Latency   float64 `json:"latency"`
	Added     float64 `json:"added"`            // to the enforcer alone; for the enforcer itself, to no enforcer
	Target    float64 `json:"target,omitempty"` // for Added; 0: none
}

// The methods, in the order of the table.
const (
	None           = "none"
	EnforcerOnly   = "enforcer"
	BPFStats       = "bpf_stats"
	EmptyPair      = "empty-pair"
	Lsmprof        = "lsmprof"
	LsmprofPreempt = "lsmprof-preemptible"
	LsmprofLarge   = "lsmprof-large"
	LsmprofShared  = "lsmprof-shared"
	LsmprofOther   = "lsmprof-other"
	LsmprofSample  = "lsmprof-sample-64"
	LsmprofSkipped = "lsmprof-excluded"
	LsmprofStacks  = "lsmprof-stacks-64"
	Trace          = "lsmprof-trace"
	TraceArgs      = "lsmprof-trace-args"
	TraceStack     = "lsmprof-trace-stack"
	TraceFiltered  = "lsmprof-trace-filtered"
	Bpftrace       = "bpftrace"
)

// sampled is N of the methods that measure one call in N.
const sampled = 64

// large is memory for more counters than fit into a map value of 4 MiB.
const large = 256 << 20

// Calls in crowd other mount namespaces fill the front of the CPU if there is memory for some counters. They fill all
// counters if there is memory for the fewest.
const (
	crowd  = 120
	some   = 2 << 20
	fewest = 1
)

// noNamespace is the number of a mount namespace that does not exist.
const noNamespace = 1

// method is a way to measure the programs of a hook while do runs.
type method struct {
	name string
	run  func(hook string, do func() error) error
}

func (r *Rig) methods() []method {
	probes := func(o tracer.Options, preemptible bool) func(string, func() error) error {
		cal := r.calibration
		cal.Preemptible = preemptible
		return func(hook string, do func() error) error {
			_, err := r.probe([]string{hook}, o, cal, do)
			return err
		}
	}
	trace := func(o tracer.TraceOptions) func(string, func() error) error {
		return func(hook string, do func() error) error { return r.trace(hook, o, do) }
	}
	crowded := func(memory int) func(string, func() error) error {
		run := probes(tracer.Options{Memory: memory}, false)
		return func(hook string, do func() error) error {
			return run(hook, func() error {
				end := live(crowd, callHooks)
				return errors.Join(do(), end())
			})
		}
	}
	return []method{
		{EnforcerOnly, func(_ string, do func() error) error { return do() }},
		{BPFStats, underStats},
		{EmptyPair, r.underPair},
		{Lsmprof, probes(tracer.Options{}, false)},
		{LsmprofPreempt, probes(tracer.Options{}, true)},
		{LsmprofLarge, probes(tracer.Options{Memory: large}, false)},
		{LsmprofShared, crowded(some)},
		{LsmprofOther, crowded(fewest)},
		{LsmprofSample, probes(tracer.Options{Sample: sampled}, false)},
		{LsmprofSkipped, probes(tracer.Options{Filter: tracer.Filter{MntNS: []uint32{noNamespace}}}, false)},
		{LsmprofStacks, r.underStacks},
		{Trace, trace(tracer.TraceOptions{})},
		{TraceArgs, trace(tracer.TraceOptions{About: true})},
		{TraceStack, trace(tracer.TraceOptions{Stacks: tracer.Stacks{Kernel: true}})},
		{TraceFiltered, trace(tracer.TraceOptions{SlowerThan: time.Hour})},
		{Bpftrace, underBpftrace},
	}
}

// Overhead measures every method on two operations. The kernel, such as 6.1, selects the targets.
func (r *Rig) Overhead(kernel string) ([]Figure, error) {
	var all []Figure
	for _, c := range []struct {
		name  string
		op    func() (*operation, error)
		layer layer
	}{
		{"getpgid", getpgid, small("task_getpgid", 0)},
		{"open+close", openClose(2), r.reference(enforcer.Rules{File: 8}, "file_open")},
	} {
		figures, err := r.overhead(c.op, c.layer)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		for _, f := range figures {
			f.Operation, f.Target = c.name, target(kernel, f.Method)
			all = append(all, f)
		}
	}
	return all, nil
}

func (r *Rig) overhead(newOp func() (*operation, error), l layer) (_ []Figure, err error) {
	op, err := newOp()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, op.Close()) }()
	none, err := op.latency()
	if err != nil {
		return nil, err
	}
	figures := []Figure{{Method: None, Latency: none}}
	detach, err := l.attach()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, detach()) }()
	over, latencies := none, map[string]float64{}
	for _, m := range r.methods() {
		var latency float64
		err := m.run(op.hooks[0], func() error {
			var err error
			latency, err = op.latency()
			return err
		})
		if errors.Is(err, exec.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.name, err)
		}
		figures = append(figures, Figure{Method: m.name, Latency: latency, Added: latency - over})
		latencies[m.name] = latency
		if m.name == EnforcerOnly {
			over = latency
		}
	}
	for i := range figures {
		f := &figures[i]
		// Most batches contain no sampled call.
		switch f.Method {
		case LsmprofSample: // a sampled call costs what it costs without sampling
			f.Latency += (latencies[Lsmprof] - f.Latency) / sampled
		case LsmprofStacks: // a sampled call sends an event, as trace does
			f.Latency += (latencies[TraceStack] - latencies[TraceFiltered]) / sampled
		default:
			continue
		}
		f.Added = f.Latency - over
	}
	return figures, nil
}

// callHooks makes a call of each hook that Overhead measures, in the syscall that the operation makes.
func callHooks() {
	_, _, _ = unix.RawSyscall(unix.SYS_GETPGID, uintptr(unix.Getpid()), 0, 0)
	if fd, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0); err == nil {
		unix.Close(fd)
	}
}

// underStats lets the kernel time every BPF program, as bpftop does. With probes attached, the kernel would time
// those as well.
func underStats(_ string, do func() error) error {
	stats, err := ebpf.EnableStats(unix.BPF_STATS_RUN_TIME)
	if err != nil {
		return err
	}
	return errors.Join(do(), stats.Close())
}

// trace runs do while the programs on a hook emit events. The rings hold all of them: a reader would be part of the
// latency.
func (r *Rig) trace(hook string, opts tracer.TraceOptions, do func() error) error {
	return r.stream(hook, opts, do, func(*tracer.Event) error { return nil })
}

// stream runs do while the programs on a hook emit events, and then calls fn with each.
func (r *Rig) stream(hook string, opts tracer.TraceOptions, do func() error, fn func(*tracer.Event) error) error {
	opts.Select = func(p tracer.Program) bool { return p.Hook == hook }
	opts.Calibration, opts.Memory, opts.Self = r.calibration, ringsMemory, true
	opts.Calibration.Preemptible = false
	s, err := tracer.StartTrace(withPreemptible(false), opts)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := do(); err != nil {
		return err
	}
	ended, end := context.WithCancel(context.Background())
	end()
	if err := s.Trace(ended, fn, nil); err != nil {
		return err
	}
	loss, err := s.Loss()
	if err == nil && loss.Received == 0 && opts.SlowerThan == 0 {
		err = errors.New("no event was received")
	}
	return err
}

// underStacks runs do while calls are counted and the stack of one call in 64 is taken.
func (r *Rig) underStacks(hook string, do func() error) error {
	_, err := r.sampleStacks(hook, sampled, do)
	return err
}

// sampleStacks runs do while the calls of a hook are counted and the stack of one call in each is taken.
func (r *Rig) sampleStacks(hook string, each int, do func() error) (profile.Snapshot, error) {
	cal := r.calibration
	cal.Preemptible = false
	t, err := tracer.Start(withPreemptible(false), tracer.Options{
		Select: func(p tracer.Program) bool { return p.Hook == hook }, Calibration: cal, Memory: ringsMemory,
		Stacks: tracer.Stacks{Kernel: true}, StackSample: each,
	})
	if err != nil {
		return profile.Snapshot{}, err
	}
	defer t.Close()
	if err := do(); err != nil {
		return profile.Snapshot{}, err
	}
	ended, end := context.WithCancel(context.Background())
	end()
	if err := t.Run(ended); err != nil {
		return profile.Snapshot{}, err
	}
	return t.Snapshot()
}

// ringsMemory is the largest ring of one CPU, in bytes.
const ringsMemory = 8 << 20

// target returns how many instructions lsmprof may add on a kernel; 0: no target.
func target(kernel, method string) float64 {
	i := slices.Index([]string{"6.1", "6.12", "newest"}, kernel)
	switch {
	case i < 0:
	case method == Lsmprof, method == LsmprofPreempt:
		return []float64{500, 520, 470}[i]
	case method == LsmprofShared:
		return []float64{640, 660, 580}[i]
	case method == LsmprofSkipped, method == LsmprofSample:
		return 330
	}
	return 0
}
