package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lsmprof/lsmprof/internal/bench"
	"github.com/lsmprof/lsmprof/internal/bench/host"
	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/enforcer/reference"
	"github.com/lsmprof/lsmprof/internal/rundir"
)

// plan returns what the flags ask for.
func (o *benchOptions) plan() (rundir.Plan, error) {
	p := rundir.Plan{
		Order: o.order, Seed: o.seed, Runs: o.runs, Slice: o.slice, Warmup: o.warmup, Pass: o.pass,
		UntilCI: o.until, MaxTime: o.maxTime,
		RulesMap: o.unknown.rulesMap, LSMs: o.selection.LSMs, Hooks: o.selection.Hooks,
		NoProfile: o.profile == "off",
	}
	var err error
	if o.unixbench != "" {
		if p.UnixBench, err = filepath.Abs(o.unixbench); err != nil {
			return p, err
		}
	}
	more, err := o.planScenarios(&p)
	if err != nil {
		return p, err
	}
	if p.Tests, err = o.planTests(len(more) > 0); err != nil {
		return p, err
	}
	if p.Tests, err = host.InCopies(append(p.Tests, more...), o.copies); err != nil {
		return p, fmt.Errorf("--copies: %w", err)
	}
	if slices.ContainsFunc(p.Tests, func(t rundir.Test) bool { return t.Copies > 1 }) {
		if o.inContainer() != "" {
			return p, errors.New("--copies: one copy of a test runs in a container")
		}
		if p.CopyCPUs, err = host.CopyCPUs(o.cpus); err != nil {
			return p, fmt.Errorf("--cpus: %w", err)
		}
	}
	if p.Container = o.inContainer(); p.Container != "" {
		p.OneStatePerScenario()
	}
	if p.CPUs, err = host.TestCPUs(o.cpus); err != nil {
		return p, fmt.Errorf("--cpus: %w", err)
	}
	return p, p.Check()
}

// planTests returns the tests that the flags name. Without any it returns those of UnixBench, unless a file names
// others.
func (o *benchOptions) planTests(others bool) (tests []rundir.Test, err error) {
	switch {
	case o.unixbench != "":
		tests, err = host.UnixBenchTests(o.tests)
	case len(o.tests) == 0 && len(o.custom) == 0 && !others:
		tests, err = host.BuiltinTests(host.DefaultTests)
	default:
		tests, err = host.BuiltinTests(o.tests)
	}
	if err != nil {
		return nil, fmt.Errorf("--tests: %w%s", err, didYouMeanAny(o.tests, host.BuiltinNames()))
	}
	for _, s := range o.custom {
		t, err := bench.ParseTest(s)
		if err != nil {
			return nil, fmt.Errorf("--test: %w", err)
		}
		tests = append(tests, t)
	}
	return tests, nil
}

// planScenarios sets the scenarios, and returns the tests that come in the same file.
func (o *benchOptions) planScenarios(p *rundir.Plan) (tests []rundir.Test, err error) {
	switch {
	case o.scenarios != "":
		f, err := os.Open(o.scenarios)
		if err != nil {
			return nil, fmt.Errorf("--scenarios: %w", err)
		}
		defer f.Close()
		p.Scenarios, tests, err = bench.ReadScenarios(f, o.scenarios, reference.ParseRules)
		return tests, err
	case o.enforcer == "none":
		p.Scenarios = rundir.SameScenarios(o.same)
		return nil, nil
	}
	var rules []enforcer.Rules
	var names []string
	for s := range strings.SplitSeq(o.rules, ",") {
		s = strings.TrimSpace(s)
		r, err := reference.ParseRules(s)
		if err != nil {
			return nil, fmt.Errorf("--rules: %w", err)
		}
		rules, names = append(rules, r), append(names, s)
	}
	p.Scenarios = rundir.ReferenceScenarios(rules, names)
	return nil, nil
}

// validateContainer checks that the flags leave something that can run in a container.
func (o *benchOptions) validateContainer() error {
	switch {
	case o.container == "" && o.pod == "":
		return nil
	case o.container != "" && o.pod != "":
		return errors.New("--container and --pod: give one of them")
	case o.unixbench != "":
		return errors.New("--unixbench is a directory of this machine: with --container or --pod give its " +
			"programs in there as --test commands")
	case o.pod != "" && !strings.Contains(o.pod, "/"):
		return fmt.Errorf("--pod %s: must be NAMESPACE/NAME or NAMESPACE/NAME/CONTAINER", o.pod)
	}
	return nil
}

// inContainer returns the container that the flags name, or an empty string.
func (o *benchOptions) inContainer() string {
	if o.container != "" {
		return o.container
	}
	return o.pod
}
