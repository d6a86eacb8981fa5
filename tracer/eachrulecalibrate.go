package tracer

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/lsmprof/lsmprof/bpf"
	"github.com/lsmprof/lsmprof/internal/lsm"
	"github.com/lsmprof/lsmprof/profile"
)

const (
	walkProgramName = "lsmprof_walk"
	emptyRuleAt     = "empty_rule_at"
	walkKeys        = 64 // LOOKUP_KEYS of bpf/eachrule.bpf.c
	shortWalk       = 1
	longWalk        = 33
)

// walkProgram is an attached LSM program that walks rules which do nothing.
type walkProgram struct {
	calibrationProgram
	hash, walk *ebpf.Map
}

// attachWalk attaches the program of the calibration, whose walks have functions like those that look at rules.
func attachWalk() (*walkProgram, error) {
	spec, err := bpf.LoadEachRule()
	if err != nil {
		return nil, err
	}
	spec = withPrograms(spec, map[string]string{"program": bpf.EachRuleProgLsmprofWalk})
	var objs struct {
		Program *ebpf.Program `ebpf:"program"`
		Hash    *ebpf.Map     `ebpf:"walk_hash"`
		Walk    *ebpf.Map     `ebpf:".data.walk"`
	}
	if err := spec.LoadAndAssign(&objs, &ebpf.CollectionOptions{Cache: kernelTypes}); err != nil {
		return nil, fmt.Errorf("load %s: %w", walkProgramName, lsm.ExplainLoad(err))
	}
	w := &walkProgram{hash: objs.Hash, walk: objs.Walk, calibrationProgram: calibrationProgram{
		program: Program{Name: walkProgramName, Hook: lsm.TrialHook}, call: callGetpgid, prog: objs.Program,
	}}
	for i := range uint32(walkKeys) {
		err = errors.Join(err, w.hash.Put(i, bpf.EachRuleLookupValue{}))
	}
	if err == nil {
		w.link, err = link.AttachLSM(link.LSMOptions{Program: objs.Program})
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("attach %s: %w", walkProgramName, lsm.ExplainLoad(err)), w.Close())
	}
	info, err := objs.Program.Info()
	if err != nil {
		return nil, errors.Join(err, w.Close())
	}
	w.program.ID, _ = info.ID()
	return w, nil
}

// Close detaches the program. A second call does nothing.
func (w *walkProgram) Close() error {
	var errs []error
	if w.link != nil {
		errs = append(errs, w.link.Close())
		w.link = nil
	}
	if w.prog != nil {
		errs = append(errs, w.prog.Close(), w.hash.Close(), w.walk.Close())
		w.prog = nil
	}
	return errors.Join(errs...)
}

// set makes the next calls walk a number of rules.
func (w *walkProgram) set(length uint32, kind bpf.EachRuleWalkKind) error {
	return w.walk.Put(uint32(0), bpf.EachRuleRuleWalk{Length: length, Kind: uint32(kind)})
}

// perRule returns what each rule of a walk costs: the difference of a long and a short one, by its rules. The batches
// of both take turns, so that a CPU that changes its speed changes both.
func (w *walkProgram) perRule(kind bpf.EachRuleWalkKind) (profile.Median, error) {
	var short, long []float64
	const turn = 40 // batches
	for range batches / turn {
		for _, l := range []struct {
			length uint32
			to     *[]float64
		}{{shortWalk, &short}, {longWalk, &long}} {
			if err := w.set(l.length, kind); err != nil {
				return profile.Median{}, err
			}
			for range turn {
				*l.to = append(*l.to, latencyOfBatch(w.call))
			}
		}
	}
	d := less(long, short)
	d.Value /= longWalk - shortWalk
	d.Spread /= longWalk - shortWalk
	return d, nil
}

// calibrateRules measures what a pair reads of a function that does nothing, and what a walk costs for each rule.
func calibrateRules(m machine) (c profile.RuleCalibration, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("calibrate: %w", err)
		}
	}()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer stayOnCPU()()
	w, err := attachWalk()
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	costs := map[bpf.EachRuleWalkKind]profile.Median{}
	for _, kind := range []bpf.EachRuleWalkKind{
		bpf.EachRuleWalkKindWALK_EMPTY, bpf.EachRuleWalkKindWALK_HASH, bpf.EachRuleWalkKindWALK_ARRAY,
	} {
		if costs[kind], err = w.perRule(kind); err != nil {
			return c, err
		}
	}
	c.Step = costs[bpf.EachRuleWalkKindWALK_EMPTY]
	c.HashLookup = minus(costs[bpf.EachRuleWalkKindWALK_HASH], c.Step)
	c.ArrayLookup = minus(costs[bpf.EachRuleWalkKindWALK_ARRAY], c.Step)
	if err := w.set(shortWalk, bpf.EachRuleWalkKindWALK_EMPTY); err != nil {
		return c, err
	}
	c.Bias, err = w.ruleBias(m)
	return c, err
}

func minus(a, b profile.Median) profile.Median {
	return profile.Median{Value: max(0, a.Value-b.Value), Spread: a.Spread + b.Spread}
}

// ruleBias returns the median of the mean readings of batches.
func (w *walkProgram) ruleBias(m machine) (profile.Median, error) {
	l, err := newLoader(Filter{}, m, 1)
	if err != nil {
		return profile.Median{}, err
	}
	defer l.Close()
	p, err := l.attachToRules(w.program, emptyRuleAt, 1<<10)
	if err != nil {
		return profile.Median{}, fmt.Errorf("attach %s: %w", emptyRuleAt, err)
	}
	defer p.Close()
	key := bpf.EachRuleRuleKey{Mntns: ownNamespace()[0]}
	l.control.open()
	var readings []float64
	var timed, ns uint64
	for range batches {
		latencyOfBatch(w.call)
		var perCPU []bpf.EachRuleRuleCost
		if err := p.costs.Lookup(key, &perCPU); err != nil {
			return profile.Median{}, fmt.Errorf("read %s: %w", emptyRuleAt, err)
		}
		var sum bpf.EachRuleRuleCost
		for _, c := range perCPU {
			sum.Timed += c.Timed
			sum.Ns += c.Ns
		}
		if n := sum.Timed - timed; n > 0 {
			readings = append(readings, float64(sum.Ns-ns)/float64(n))
		}
		timed, ns = sum.Timed, sum.Ns
	}
	if len(readings) == 0 {
		return profile.Median{}, fmt.Errorf("the probes on %s recorded no call: %w", emptyRuleAt,
			ErrUnsupported)
	}
	return median(readings), nil
}
