package tracer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/cilium/ebpf"

	"github.com/lsmprof/lsmprof/bpf"
	"github.com/lsmprof/lsmprof/internal/lsm"
	"github.com/lsmprof/lsmprof/profile"
)

// RuleTracer times the functions of LSM programs that look at one rule, from [StartEachRule] to Close. Its methods must
// not be called concurrently.
type RuleTracer struct {
	opts        Options
	loader      *loader
	names       workloads
	pairs       []*rulePair
	calibration profile.RuleCalibration
	started     time.Time
	recorded    time.Duration
	warnings    []profile.Warning
}

// rulePair is a pair of probes on one function of one program.
type rulePair struct {
	program  Program
	function string
	probe
	costs    *ebpf.Map
	baseline uint64 // misses before recording began
}

// ruleKeys is the number of rules, times workloads, that one function has room for.
const ruleKeys = 4096

// StartEachRule attaches a pair of probes to every function that functions names for a selected program: functions
// whose first argument is the index of a rule, and which return nonzero to end the walk. Functions that a program lacks
// are ignored. No other probe of lsmprof may be attached to these programs. Of opts it uses Select, Filter, Namer,
// OwnNamespace, Self and Logger. It needs root and Linux 5.18, and calibrates for half a second.
func StartEachRule(ctx context.Context, opts Options, functions func(Program) []string) (_ *RuleTracer, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("time each rule: %w", err)
		}
	}()
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	if err := refuseCrash(); err != nil {
		return nil, err
	}
	m, err := findMachine(ctx)
	if err != nil {
		return nil, err
	}
	progs, err := Programs()
	if err != nil {
		return nil, err
	}
	r := &RuleTracer{opts: opts, names: newWorkloads(opts.Namer)}
	if r.loader, err = newLoader(opts.Filter, m, 1); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.Close())
		}
	}()
	for _, p := range progs {
		if !p.Attached() || p.forCalibration() || p.Refused || opts.Select != nil && !opts.Select(p) {
			continue
		}
		if err := r.attach(p, functions(p)); err != nil {
			return nil, err
		}
	}
	if len(r.pairs) == 0 {
		return r, nil
	}
	if r.calibration, err = calibrateRules(m); err != nil {
		return nil, err
	}
	for _, p := range r.pairs {
		if p.baseline, err = p.misses(); err != nil {
			return nil, err
		}
	}
	r.started = time.Now()
	r.loader.control.open()
	return r, nil
}

// Functions returns the names of the functions that have probes. Several programs may have one of a name.
func (r *RuleTracer) Functions() (names []string) {
	for _, p := range r.pairs {
		names = append(names, p.function)
	}
	return names
}

// attach attaches pairs to the functions of a program.
func (r *RuleTracer) attach(p Program, names []string) error {
	if len(names) == 0 {
		return nil
	}
	own, err := subprograms(p)
	if err != nil {
		return err
	}
	for _, name := range names {
		if !slices.Contains(own, name) {
			continue
		}
		if p.Sleepable {
			r.warnf("the rules of %s have no times: it is sleepable", p.Name)
			continue
		}
		pair, err := r.loader.attachToRules(p, name, ruleKeys)
		if errors.Is(err, errGone) {
			continue
		}
		if err != nil {
			return fmt.Errorf("attach %s of %s: %w", name, p.Name, lsm.ExplainLoad(err))
		}
		r.pairs = append(r.pairs, pair)
	}
	return nil
}

func (r *RuleTracer) warnf(format string, args ...any) {
	w := profile.Warning{Text: fmt.Sprintf(format, args...)}
	r.warnings = append(r.warnings, w)
	r.opts.Logger.Warn(w.Text)
}

// subprograms returns the names of a program's functions, its own first. It fails if the program has no BTF.
func subprograms(p Program) (names []string, err error) {
	prog, err := ebpf.NewProgramFromID(p.ID)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", p.Name, err)
	}
	defer prog.Close()
	info, err := prog.Info()
	if err != nil {
		return nil, fmt.Errorf("describe %s: %w", p.Name, err)
	}
	all, err := info.FuncInfos()
	if err != nil {
		return nil, fmt.Errorf("functions of %s: %w", p.Name, err)
	}
	for _, f := range all {
		names = append(names, f.Func.Name)
	}
	return names, nil
}

// attachToRules loads and attaches a pair that has room for a number of keys.
func (l *loader) attachToRules(p Program, function string, keys uint32) (_ *rulePair, err error) {
	spec, err := bpf.LoadEachRule()
	if err != nil {
		return nil, fmt.Errorf("read the object that times rules: %w", err)
	}
	spec = withPrograms(spec, map[string]string{
		"enter": bpf.EachRuleProgRuleEnter,
		"exit":  bpf.EachRuleProgRuleExit,
	})
	spec.Maps[bpf.EachRuleMapRuleCosts].MaxEntries = keys
	var objs struct {
		pair
		Costs *ebpf.Map `ebpf:"rule_costs"`
	}
	t := target{program: p, scope: profile.ScopeProgram, subprogram: function}
	if err := l.load(t, spec, map[string]any{}, nil, &objs); err != nil {
		return nil, err
	}
	q := &rulePair{program: p, function: function, costs: objs.Costs, probe: probe{target: t}}
	lost := bpf.EachRuleRuleKey{Rule: uint32(bpf.EachRuleRuleLostRULE_LOST)}
	err = q.costs.Put(lost, make([]bpf.EachRuleRuleCost, l.cpus))
	if err = errors.Join(q.attachPair(objs.pair), err); err != nil {
		return nil, errors.Join(err, q.Close())
	}
	return q, nil
}

// Close detaches the pair.
func (p *rulePair) Close() error { return errors.Join(p.probe.Close(), p.costs.Close()) }

// StartCommand is that of a [Tracer].
func (r *RuleTracer) StartCommand(start func() error) error {
	if start == nil {
		return errNoCommand
	}
	if r.loader == nil || r.loader.command == nil {
		return start()
	}
	return r.loader.command.start(start)
}

// Run follows the containers of the filter until ctx is done. Then it stops recording.
func (r *RuleTracer) Run(ctx context.Context) error {
	if r.loader == nil {
		return fmt.Errorf("time each rule: %w", os.ErrClosed)
	}
	tick := time.NewTicker(PollInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			r.loader.control.shut()
			r.recorded = time.Since(r.started)
			return nil
		case <-tick.C:
			r.names.refreshNames()
			if err := r.loader.control.refresh(r.opts.Filter); err != nil {
				return err
			}
		}
	}
}

// Result returns what was recorded. The texts of the rules are not filled in. Rules that were never looked at have no
// row.
func (r *RuleTracer) Result() (*profile.EachRule, []profile.Warning, error) {
	if r.loader == nil {
		return nil, nil, fmt.Errorf("time each rule: %w", os.ErrClosed)
	}
	out := &profile.EachRule{Duration: r.recorded, Calibration: r.calibration}
	r.names.scan()
	for _, p := range r.pairs {
		missed, err := p.misses()
		if err != nil {
			return nil, nil, err
		}
		out.Missed += missed - p.baseline
		if err := r.collect(p, out); err != nil {
			return nil, nil, fmt.Errorf("read the rules of %s: %w", p.program.Name, err)
		}
	}
	return out, append(r.warnings, r.loader.command.warnings()...), nil
}

func (r *RuleTracer) collect(p *rulePair, out *profile.EachRule) error {
	var key bpf.EachRuleRuleKey
	var perCPU []bpf.EachRuleRuleCost
	it := p.costs.Iterate()
	for it.Next(&key, &perCPU) {
		var sum bpf.EachRuleRuleCost
		for _, c := range perCPU {
			sum.Looks += c.Looks
			sum.Ends += c.Ends
			sum.Timed += c.Timed
			sum.Ns += c.Ns
		}
		if key.Rule == uint32(bpf.EachRuleRuleLostRULE_LOST) {
			out.Lost += sum.Looks
			continue
		}
		if own := r.opts.OwnNamespace; own != 0 && key.Mntns == own && !r.opts.Self {
			continue
		}
		out.Rows = append(out.Rows, profile.RuleRow{
			Program: profile.Program{
				ID: uint32(p.program.ID), Name: p.program.Name, Hook: p.program.Hook,
				Enforcer: r.enforcerOf(p.program),
			},
			Function: p.function, Workload: *r.names.lookup(key.Mntns, ""), Rule: int(key.Rule),
			ShadowedBy: -1,
			Looks:      sum.Looks, Matches: sum.Ends, Timed: sum.Timed, Sum: time.Duration(sum.Ns),
		})
	}
	return it.Err()
}

func (r *RuleTracer) enforcerOf(p Program) string {
	if r.opts.Enforcers == nil {
		return Generic
	}
	return r.opts.Enforcers.Owner(p)
}

// Close detaches the probes. A second call does nothing.
func (r *RuleTracer) Close() error {
	if r.loader == nil {
		return nil
	}
	var errs []error
	for _, p := range r.pairs {
		errs = append(errs, p.Close())
	}
	errs = append(errs, r.loader.Close())
	r.loader = nil
	return errors.Join(errs...)
}
