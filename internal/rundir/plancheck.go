package rundir

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// The limits of a plan. They keep a mistyped number from starting a bench that never ends.
const (
	MaxRuns   = 10_000
	MaxSlice  = 10 * time.Second
	MaxPass   = time.Hour
	MaxCopies = 1024
)

// Check returns what is wrong with a plan, or nil.
func (p *Plan) Check() error {
	switch {
	case len(p.Tests) == 0:
		return errors.New("no test to run")
	case len(p.Scenarios) == 0:
		return errors.New("no scenario to run")
	case p.Runs < 1 || p.Runs > MaxRuns:
		return fmt.Errorf("%d runs: must be from 1 to %d", p.Runs, MaxRuns)
	case p.UntilCI != 0 && !(p.UntilCI > 0 && p.UntilCI <= 1):
		return fmt.Errorf("intervals within %g: must be a share above 0", p.UntilCI)
	case p.MaxTime < 0:
		return fmt.Errorf("at most %s: must not be negative", p.MaxTime)
	}
	if !p.Imported() {
		switch {
		case p.Slice < time.Millisecond || p.Slice > MaxSlice:
			return fmt.Errorf("slices of %s: must be from 1ms to %s; 20ms to 100ms are best", p.Slice,
				MaxSlice)
		case p.Warmup < 0 || p.Warmup > MaxSlice:
			return fmt.Errorf("a warm-up of %s: must be from 0s to %s", p.Warmup, MaxSlice)
		case p.Pass < 0 || p.Pass > MaxPass:
			return fmt.Errorf("passes of %s: must be from 0s to %s", p.Pass, MaxPass)
		}
	}
	for _, t := range p.Tests {
		if t.Copies < 0 || t.Copies > MaxCopies {
			return fmt.Errorf("%d copies of test %s: must be from 1 to %d", t.Copies, t.Name, MaxCopies)
		}
	}
	return p.checkNames()
}

// checkNames finds names that occur twice, in the plan or as names of files.
func (p *Plan) checkNames() error {
	var tests, scenarios []string
	for _, t := range p.Tests {
		tests = append(tests, t.Name)
	}
	for _, s := range p.Scenarios {
		scenarios = append(scenarios, s.Name)
	}
	if err := distinct("test", tests); err != nil {
		return err
	}
	return distinct("scenario", scenarios)
}

// CheckName returns what is wrong with the name of a test or a scenario, or nil. Names become names of files, labels
// and columns.
func CheckName(name string) error {
	switch {
	case strings.TrimSpace(name) == "":
		return errors.New("an empty name")
	case !utf8.ValidString(name):
		return fmt.Errorf("name %q is not UTF-8", name)
	case strings.ContainsFunc(name, unicode.IsControl):
		return fmt.Errorf("name %q has control characters", name)
	}
	return nil
}

func distinct(what string, names []string) error {
	files := map[string]string{}
	for _, name := range names {
		if err := CheckName(name); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		switch first, taken := files[FileName(name)]; {
		case taken && first == name:
			return fmt.Errorf("%s %s occurs twice", what, name)
		case taken:
			return fmt.Errorf("the files of %ss %q and %q would have one name: rename one of them", what,
				first, name)
		}
		files[FileName(name)] = name
	}
	return nil
}

// CheckResult returns why a result cannot be one of this plan, or nil. A result of a test or a scenario that the plan
// does not have is not an error: it is ignored.
func (p *Plan) CheckResult(r *Result) error {
	const most = 1e18
	switch {
	case r.Round < 0 || r.Round > MaxRuns*RoundsPerRun:
		return fmt.Errorf("round %d of %s", r.Round, r.Test)
	case !(r.Ops > 0 && r.Ops < most) || !(r.Ns > 0 && r.Ns < most):
		return fmt.Errorf("%g operations in %g ns in round %d of %s", r.Ops, r.Ns, r.Round, r.Test)
	}
	return nil
}
