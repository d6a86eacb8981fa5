package rundir

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path"
	"strings"

	pprof "github.com/google/pprof/profile"

	"github.com/lsmprof/lsmprof/internal/text"
)

// Run is a run directory as it was when it was read. Reading takes no lock: a bench may go on writing to it.
type Run struct {
	Info      Info
	Results   []Result                        // the rounds that are complete
	Explained map[string]map[string]Explained // by test and scenario
	// Problems name what is missing or was left out because it cannot be trusted.
	Problems []string
	dir      fs.FS
}

// Read reads a run directory. A missing or senseless plan and damaged results are errors. Anything else that is wrong
// is a problem.
func Read(dir fs.FS) (*Run, error) {
	r := &Run{dir: dir, Explained: map[string]map[string]Explained{}}
	data, err := readFile(dir, InfoFile, maxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("not a run directory: it has no %s", InfoFile)
	}
	if err == nil {
		err = json.Unmarshal(data, &r.Info)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", InfoFile, err)
	}
	if err := r.Info.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", InfoFile, err)
	}
	if err := r.readResults(); err != nil {
		return nil, err
	}
	if err := r.readExplained(); err != nil {
		return nil, err
	}
	return r, nil
}

func (i *Info) check() error {
	switch {
	case i.Schema == RunSchema:
	case strings.HasPrefix(i.Schema, "lsmprof/run/"):
		return fmt.Errorf("schema %q: this lsmprof reads %q. Use the one that wrote it (%.40q), or a newer one",
			i.Schema, RunSchema, i.Version)
	default:
		return fmt.Errorf("schema %.40q is not that of a run of lsmprof", i.Schema)
	}
	tests, scenarios := len(i.Plan.Tests), len(i.Plan.Scenarios)
	switch {
	case tests == 0 || scenarios == 0:
		return errors.New("the plan has no scenario or no test")
	case tests > maxCells || scenarios > maxCells || tests*scenarios > maxCells:
		return fmt.Errorf("the plan has %d tests and %d scenarios: more than %d cells", tests, scenarios,
			maxCells)
	}
	if i.Plan.Scenarios[0].SecondBaseline {
		return errors.New("the plan has no baseline: its first scenario is a second baseline")
	}
	seen := map[string]bool{}
	for _, t := range i.Plan.Tests {
		if seen[t.Name] {
			return fmt.Errorf("test %.40q occurs twice", t.Name)
		}
		seen[t.Name] = true
		if !usable(t.PerRate) || !usable(t.Baseline) {
			return fmt.Errorf("test %.40q: its score or baseline is not a positive number", t.Name)
		}
	}
	clear(seen)
	for _, s := range i.Plan.Scenarios {
		if seen[s.Name] {
			return fmt.Errorf("scenario %.40q occurs twice", s.Name)
		}
		seen[s.Name] = true
	}
	return nil
}

// usable reports whether arithmetic with v stays finite. 0 means that v was not given.
func usable(v float64) bool { return v == 0 || v > 1e-18 && v < 1e18 }

func (r *Run) readResults() error {
	f, err := r.dir.Open(ResultsFile)
	if errors.Is(err, fs.ErrNotExist) {
		r.problem("%s is missing: nothing was scored", ResultsFile)
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	all, whole, err := ReadResults(f)
	if err != nil {
		return fmt.Errorf("%s: %w", ResultsFile, err)
	}
	if info, err := f.Stat(); err == nil && info.Size() > whole {
		r.problem("the last line of %s was cut off and is left out: the run ended in the middle of a "+
			"round, or goes on", ResultsFile)
	}
	tests, scenarios := map[string]*Test{}, map[string]bool{}
	for i := range r.Info.Plan.Tests {
		tests[r.Info.Plan.Tests[i].Name] = &r.Info.Plan.Tests[i]
	}
	for _, s := range r.Info.Plan.Scenarios {
		scenarios[s.Name] = true
	}
	kept, foreign, useless := all[:0], 0, 0
	for _, res := range all {
		t := tests[res.Test]
		if t == nil || !scenarios[res.Scenario] {
			foreign++
			continue
		}
		if !r.Info.Plan.IsBaseline(res.Scenario) {
			res.Slices = nil // only those of the baselines are used; Ops and Ns are the sums
		}
		if res.Ops <= 0 || res.Ns <= 0 || !usable(res.Ops) || !usable(res.Ns) || !usable(res.Rate()) ||
			!usable(t.Score(res.Rate())) {
			useless++
			continue
		}
		kept = append(kept, res)
	}
	if foreign > 0 {
		r.problem("left out %s: the plan lacks the test or the scenario", text.Plural(foreign, "result"))
	}
	if useless > 0 {
		r.problem("left out %s without a score, with the whole round", text.Plural(useless, "result"))
	}
	r.Results = Complete(&r.Info.Plan, kept)
	if left := len(kept) - len(r.Results); left > 0 {
		r.problem("left out %s: the round was repeated or is not complete", text.Plural(left, "result"))
	}
	return nil
}

func (r *Run) readExplained() error {
	data, err := readFile(r.dir, ExplainedFile, maxFile)
	if errors.Is(err, fs.ErrNotExist) {
		if !r.Info.Plan.Imported() {
			r.problem("%s is missing: without a profile run no loss is explained", ExplainedFile)
		}
		return nil
	}
	if err == nil {
		err = json.Unmarshal(data, &r.Explained)
	}
	if err != nil {
		r.Explained = map[string]map[string]Explained{}
		r.problem("%s: %v: no loss is explained", ExplainedFile, err)
		return nil
	}
	for test, cells := range r.Explained {
		for scenario, e := range cells {
			if !e.usable() {
				delete(cells, scenario)
				r.problem("the profile run of %.200s under %.200s is left out: its figures are "+
					"impossible", test, scenario)
			}
		}
	}
	return nil
}

func (e *Explained) usable() bool {
	ok := e.Completeness >= 0 && e.Completeness <= 100 && usable(e.Ops)
	for _, v := range []float64{e.Calls, e.HookNs} {
		ok = ok && v >= 0 && v < 1e18
	}
	for _, r := range e.Rows {
		for _, v := range []float64{r.Calls, r.HookNs, r.Mean, r.Typical, r.Err, r.P50, r.P99} {
			ok = ok && v >= 0 && v < 1e18
		}
		ok = ok && (r.Err == 0 || r.Err > 1e-9) && r.Rules >= -1 && r.Rules < math.MaxInt32
	}
	for _, s := range e.Syscalls {
		ok = ok && usable(s.Calls) && usable(s.Ns)
	}
	return ok && usableLines(e.Lines)
}

// ProfilePath returns the path of the profile of a cell in a run directory.
func ProfilePath(scenario, test string) string {
	return path.Join(ProfilesDir, FileName(scenario), FileName(test)+".pb.gz")
}

// Profile reads the profile of a cell. The error is fs.ErrNotExist if there is none.
func (r *Run) Profile(scenario, test string) (*pprof.Profile, error) {
	name := ProfilePath(scenario, test)
	data, err := readFile(r.dir, name, maxProfile)
	if err != nil {
		return nil, err
	}
	return parseProfile(data, name, maxProfile, maxMessages)
}

// Analyze returns what the run says.
func (r *Run) Analyze() Analysis { return Analyze(&r.Info.Plan, r.Results, r.Explained) }

func (r *Run) problem(format string, args ...any) {
	r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
}
