package bench

import (
	"errors"
	"path/filepath"
	"slices"
	"time"

	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/unixbench/score"
)

// Source is a file that a plain ./Run of UnixBench wrote under some scenario.
type Source struct {
	Scenario string
	Name     string // of the file
	Data     []byte
	Report   *score.Report
}

// Import makes a run directory of results that others have measured, the first scenario being the baseline. A pass of a log is a
// round; the other files have only what UnixBench made of all passes: one round. Several files of one scenario follow each other.
func Import(path string, info rundir.Info, sources []Source) (_ *Dir, err error) {
	results := take(&info.Plan, sources)
	if err := info.Plan.Check(); err != nil {
		return nil, err
	}
	d, err := Create(path, info)
	if err != nil {
		return nil, err
	}
	for _, s := range sources {
		raw := filepath.Join(rundir.RawDir, rundir.FileName(s.Scenario), filepath.Base(s.Name))
		if err := d.write(raw, bytesTo(s.Data)); err != nil {
			return nil, errors.Join(err, d.Close())
		}
	}
	if err := d.Append(results); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// take turns the sources into a plan that has been carried out.
func take(p *rundir.Plan, sources []Source) (results []rundir.Result) {
	p.Order = rundir.Sequential
	rounds := map[[2]string]int{}
	for _, source := range sources {
		if !slices.ContainsFunc(p.Scenarios, func(s rundir.Scenario) bool { return s.Name == source.Scenario }) {
			p.Scenarios = append(p.Scenarios, rundir.Scenario{Name: source.Scenario, State: rundir.State("scenario " + source.Scenario)})
		}
		for _, section := range source.Report.Sections {
			for _, imported := range section.Tests {
				t := importedTest(p, imported, section.Copies)
				for _, pass := range passesOf(imported) {
					key := [2]string{t.Name, source.Scenario}
					r := rundir.Result{
						Test: t.Name, Scenario: source.Scenario, Round: rounds[key], Start: time.Time{},
						Ns: pass.Time * 1e9, Ops: pass.Value() * pass.Time, Score: pass.Value(),
						Output: filepath.Join(rundir.FileName(source.Scenario), filepath.Base(source.Name)),
					}
					rounds[key]++
					p.Runs = max(p.Runs, rounds[key])
					results = append(results, r)
				}
			}
		}
	}
	return results
}

// importedTest finds the test in the plan or adds it.
func importedTest(p *rundir.Plan, i score.Imported, copies int) rundir.Test {
	t := rundir.Test{Name: i.Name, Label: i.Label, Unit: i.Unit, Kind: rundir.Plain, Baseline: i.Baseline}
	if t.Name == "" {
		t.Name = rundir.FileName(i.Label)
	}
	t = t.WithCopies(copies)
	if !slices.ContainsFunc(p.Tests, func(known rundir.Test) bool { return known.Name == t.Name }) {
		p.Tests = append(p.Tests, t)
	}
	return t
}

// passesOf are those of a log; elsewhere the score stands for all of them.
func passesOf(i score.Imported) []score.Pass {
	if len(i.Passes) > 0 {
		return i.Passes
	}
	elapsed := i.Time
	if elapsed == 0 { // a CSV does not say
		elapsed = 1
	}
	return []score.Pass{{Count: i.Score, Time: elapsed}}
}

// ErrImported says that a run directory holds what others measured.
var ErrImported = errors.New("its results were imported: there is nothing to go on with")
