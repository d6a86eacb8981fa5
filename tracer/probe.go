package tracer

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/lsmprof/lsmprof/bpf"
	"github.com/lsmprof/lsmprof/internal/lsm"
	"github.com/lsmprof/lsmprof/profile"
)

// errGone says that a program was detached between being listed and being probed: an enforcer that restarts, no failure.
var errGone = errors.New("detached meanwhile; record again")

// probe is an attached pair.
type probe struct {
	target target
	enter  link.Link
	exit   link.Link
	stack  link.Link // nil: no stacks are taken
	origin uint32    // what events of it are told by
	about  subject   // of events
	void   bool      // the hook returns nothing
	pair   profile.ProbeKind
	// exitProg counts the invocations that the kernel kept from it (recursion_misses).
	exitProg *ebpf.Program
	cells    *cells // nil: its invocations go through the stream
}

// attach puts a pair of probes on t. It is safe to call from several goroutines.
func (l *loader) attach(t target) (p *probe, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("attach %s: %w", t, lsm.ExplainLoad(err))
		}
	}()
	q := &probe{target: t}
	p = q
	defer func() {
		if err != nil {
			q.Close()
			p = nil
		}
	}()
	if l.stream == nil || l.stream.counted {
		if err := l.attachCounting(p); err != nil {
			return nil, err
		}
	}
	if l.stream != nil {
		return p, l.attachStream(p)
	}
	return p, nil
}

// pair is what load keeps of two programs, and cells of those that count. The library would map the variables as well, and unmap them
// when the garbage collector comes by: the maps would stay in the kernel until then.
type pair struct {
	Enter *ebpf.Program `ebpf:"enter"`
	Exit  *ebpf.Program `ebpf:"exit"`
}

// attachCounting puts the pair of bpf/probe.bpf.c on the target of p.
func (l *loader) attachCounting(p *probe) error {
	v, err := l.variant(p.target)
	if err != nil {
		return err
	}
	p.pair = v.pair
	spec := choose(l.spec, map[string]string{"enter": v.enter, "exit": v.exit})
	constants := map[string]any{bpf.ProbeVarSlots: l.slots(), bpf.ProbeVarBucketOf: bucketTable()}
	var programs pair
	var counters *ebpf.Map
	if v.quick {
		var objs struct {
			pair
			Cells *ebpf.Map `ebpf:".data.counters"`
		}
		if err := l.placeQuickCells(spec); err != nil {
			return err
		}
		err = l.load(p.target, spec, constants, nil, &objs)
		programs, counters = objs.pair, objs.Cells
	} else {
		var objs struct {
			pair
			Cells *ebpf.Map `ebpf:"counters"`
		}
		spec.Maps[bpf.ProbeMapCounters].MaxEntries = uint32(l.cpus * l.cells)
		err = l.load(p.target, spec, constants, nil, &objs)
		programs, counters = objs.pair, objs.Cells
	}
	if err != nil {
		return err
	}
	p.cells, err = newCells(counters, l.cpus, l.cells)
	return errors.Join(p.attachPair(programs), err)
}

// attachPair takes over the programs. The exit first: with the entry first, an invocation in between would leave a start behind.
func (p *probe) attachPair(objs pair) (err error) {
	defer objs.Enter.Close() // its link stays
	p.exitProg = objs.Exit
	if p.exit, err = link.AttachTracing(link.TracingOptions{Program: objs.Exit}); err != nil {
		return err
	}
	p.enter, err = link.AttachTracing(link.TracingOptions{Program: objs.Enter})
	return err
}

// misses is the number of invocations that the kernel kept from the exit probe; 0 before Linux 5.12, which does not count them.
func (p *probe) misses() (uint64, error) {
	s, err := p.exitProg.Stats()
	if err != nil {
		return 0, fmt.Errorf("read misses of %s: %w", p.target, err)
	}
	return s.RecursionMisses, nil
}

// Close detaches the pair, entry first so that no start stays without an exit.
func (p *probe) Close() error {
	var errs []error
	for _, l := range []link.Link{p.stack, p.enter, p.exit} {
		if l != nil {
			errs = append(errs, l.Close())
		}
	}
	if p.exitProg != nil {
		errs = append(errs, p.exitProg.Close())
	}
	if p.cells != nil {
		errs = append(errs, p.cells.Close())
	}
	return errors.Join(errs...)
}
