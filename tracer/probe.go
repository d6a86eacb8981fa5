package tracer

import (
	"errors"
	"fmt"
	"maps"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/lsmprof/lsmprof/bpf"
	"github.com/lsmprof/lsmprof/internal/lsm"
	"github.com/lsmprof/lsmprof/profile"
)

// errGone means that a program was detached after it was listed. Its enforcer restarts: not a failure.
var errGone = errors.New("the program was detached meanwhile")

// probe is an attached pair of programs, with a third one if stacks are sampled besides counting.
type probe struct {
	target  target
	enter   link.Link
	exit    link.Link
	stack   link.Link // nil: no stacks are sampled
	source  uint32    // number that its events carry; 0: it emits none
	subject subject   // of its events
	void    bool      // the hook returns nothing
	kind    profile.ProbeKind
	// exitProg counts the calls that the kernel kept from it (recursion_misses).
	exitProg *ebpf.Program
	counters *counters // nil: it emits events
}

// attach attaches probes to a target. Without a ring they count; with one they also sample stacks, or emit events
// instead. It is safe for concurrent use.
func (l *loader) attach(t target, r *ring) (p *probe, err error) {
	q := &probe{target: t}
	defer func() {
		if err != nil {
			q.Close()
			p, err = nil, fmt.Errorf("attach %s: %w", t, lsm.ExplainLoad(err))
		}
	}()
	if r == nil || r.sampling {
		if err := l.attachCounting(q); err != nil {
			return nil, err
		}
	}
	if r != nil {
		if err := l.attachEvents(q, r); err != nil {
			return nil, err
		}
	}
	return q, nil
}

// pair are the programs that load returns. There is no field for the maps of variables: cilium/ebpf would map them, and
// unmap them only when the garbage collector runs. Until then they would stay in the kernel.
type pair struct {
	Enter *ebpf.Program `ebpf:"enter"`
	Exit  *ebpf.Program `ebpf:"exit"`
}

// attachCounting attaches the pair of bpf/probe.bpf.c to the target of p.
func (l *loader) attachCounting(p *probe) error {
	v, err := l.variant(p.target)
	if err != nil {
		return err
	}
	p.kind = v.kind
	spec := withPrograms(l.spec, map[string]string{"enter": v.enter, "exit": v.exit})
	where := l.layout(v)
	constants := map[string]any{
		bpf.ProbeVarSlots:           l.slots(where),
		bpf.ProbeVarBucketOf:        buckets[[4096]uint8](0),
		bpf.ProbeVarBucketOf1024:    buckets[[4096]uint8](10),
		bpf.ProbeVarBucketOf1048576: buckets[[1024]uint8](20),
	}
	maps.Copy(constants, where.constants())
	var programs pair
	var m *ebpf.Map
	if v.inline {
		var objs struct {
			pair
			Counters *ebpf.Map `ebpf:".data.counters"`
		}
		if err := placeInlineCounters(spec, where); err != nil {
			return err
		}
		err = l.load(p.target, spec, constants, nil, &objs)
		programs, m = objs.pair, objs.Counters
	} else {
		var objs struct {
			pair
			Counters *ebpf.Map `ebpf:"counters"`
		}
		spec.Maps[bpf.ProbeMapCounters].MaxEntries = uint32(where.counters())
		err = l.load(p.target, spec, constants, nil, &objs)
		programs, m = objs.pair, objs.Counters
	}
	if err != nil {
		return err
	}
	p.counters, err = newCounters(m, where)
	return errors.Join(p.attachPair(programs), err)
}

// attachPair takes over the programs. It attaches the exit first: a call that ran between entry and exit would leave
// its start behind.
func (p *probe) attachPair(objs pair) (err error) {
	defer objs.Enter.Close() // its link stays
	p.exitProg = objs.Exit
	if p.exit, err = link.AttachTracing(link.TracingOptions{Program: objs.Exit}); err != nil {
		return err
	}
	p.enter, err = link.AttachTracing(link.TracingOptions{Program: objs.Enter})
	return err
}

// misses returns the number of calls that the kernel kept from the exit probe, or 0 before Linux 5.12, which does not
// count them.
func (p *probe) misses() (uint64, error) {
	s, err := p.exitProg.Stats()
	if err != nil {
		return 0, fmt.Errorf("read misses of %s: %w", p.target, err)
	}
	return s.RecursionMisses, nil
}

// Close detaches the programs, the entry before the exit so that no start stays behind.
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
	if p.counters != nil {
		errs = append(errs, p.counters.Close())
	}
	return errors.Join(errs...)
}
