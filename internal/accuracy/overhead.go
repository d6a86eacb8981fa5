package accuracy

import (
	"errors"
	"fmt"
	"os/exec"
	"slices"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/tracer"
)

// Figure is one line of the table: what a method of measuring adds to an operation that runs one program once.
type Figure struct {
	Operation string  `json:"operation"`
	Method    string  `json:"method"`
	Latency   float64 `json:"latency"`
	Added     float64 `json:"added"`            // over the enforcer without it; of the enforcer: over nothing
	Target    float64 `json:"target,omitempty"` // for what is added, where there is one
}

// Methods, in the order of the table.
const (
	None           = "none"
	EnforcerOnly   = "enforcer"
	BPFStats       = "bpf_stats"
	EmptyPair      = "empty-pair"
	Lsmprof        = "lsmprof"
	LsmprofPreempt = "lsmprof-preemptible"
	LsmprofSample  = "lsmprof-sample-64"
	LsmprofExclude = "lsmprof-excluded"
	Bpftrace       = "bpftrace"
)

// sampled: one call in so many is measured.
const sampled = 64

// nobody is a mount namespace that is not there.
const nobody = 1

// method is a way to measure the programs of a hook, over the time that do takes.
type method struct {
	name string
	run  func(hook string, do func() error) error
}

func (r *Rig) methods() []method {
	probes := func(f tracer.Filter, preemptible bool, sample int) func(string, func() error) error {
		cal := r.calibration
		cal.Preemptible = preemptible
		return func(hook string, do func() error) error {
			_, err := r.probe([]string{hook}, f, sample, cal, do)
			return err
		}
	}
	return []method{
		{EnforcerOnly, func(_ string, do func() error) error { return do() }},
		{BPFStats, underStats},
		{EmptyPair, r.underPair},
		{Lsmprof, probes(tracer.Filter{}, false, 1)},
		{LsmprofPreempt, probes(tracer.Filter{}, true, 1)},
		{LsmprofSample, probes(tracer.Filter{}, false, sampled)},
		{LsmprofExclude, probes(tracer.Filter{MntNS: []uint32{nobody}}, false, 1)},
		{Bpftrace, underBpftrace},
	}
}

// Overhead measures every method on two operations. Targets are those of the kernel of that name.
func (r *Rig) Overhead(kernel string) ([]Figure, error) {
	var all []Figure
	for _, c := range []struct {
		name  string
		op    func() (*operation, error)
		layer layer
	}{
		{"getpgid", getpgid, small("task_getpgid", 0)},
		{"open+close", openClose(2), r.reference(enforcer.Rules{File: 8})},
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
	over, whole := none, 0.0
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
		if m.name == LsmprofSample {
			// Most batches have none of the calls that are measured: those cost what they cost without --sample.
			latency += (whole - latency) / sampled
		}
		figures = append(figures, Figure{Method: m.name, Latency: latency, Added: latency - over})
		switch m.name {
		case EnforcerOnly:
			over = latency
		case Lsmprof:
			whole = latency
		}
	}
	return figures, nil
}

// underStats lets the kernel time every BPF program, as bpftop and others do. Never together with probes: it would time them.
func underStats(_ string, do func() error) error {
	stats, err := ebpf.EnableStats(unix.BPF_STATS_RUN_TIME)
	if err != nil {
		return err
	}
	return errors.Join(do(), stats.Close())
}

// target is what issue 3 wants for what lsmprof adds.
func target(kernel, method string) float64 {
	i := slices.Index([]string{"6.1", "6.12", "newest"}, kernel)
	switch {
	case i < 0:
	case method == Lsmprof, method == LsmprofPreempt:
		return []float64{500, 520, 470}[i]
	case method == LsmprofExclude, method == LsmprofSample:
		return 330
	}
	return 0
}
