package bench

import (
	"fmt"
	"path"
	"path/filepath"
	"reflect"
	"slices"

	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/unixbench/score"
)

// Source is a file that UnixBench's Run wrote under some scenario.
type Source struct {
	Scenario string
	Name     string // of the file
	Data     []byte
	Report   *score.Report
}

// Import fills a new run directory, which create makes, with results that were measured elsewhere. The first scenario
// is the baseline. A pass of a log is a round. Other files have only what UnixBench made of all passes, which becomes
// one round. The rounds of several files of one scenario follow each other.
func Import(info rundir.Info, sources []Source, create func(rundir.Info) (*Dir, error)) (_ *Dir, err error) {
	if err := differ(sources); err != nil {
		return nil, err
	}
	info.Suite = "imported, UnixBench"
	for _, s := range sources {
		for _, w := range s.Report.Warnings {
			info.Warnings = append(info.Warnings, s.Name+": "+w)
		}
		if s.Report.Version != "" {
			info.Suite = "imported, UnixBench " + s.Report.Version
		}
	}
	results, files := take(&info.Plan, sources)
	if err := info.Plan.Check(); err != nil {
		return nil, err
	}
	d, err := create(info)
	if err != nil {
		return nil, err
	}
	defer d.closeAfter(&err)
	for i, s := range sources {
		if err := d.writeBytes(path.Join(rundir.RawDir, files[i]), s.Data); err != nil {
			return nil, err
		}
	}
	return d, d.Append(results)
}

// differ refuses a run that a scenario has twice, pasted into one file or in two: two equal rounds would look like no
// noise at all.
func differ(sources []Source) error {
	type run struct {
		file    string
		section *score.Section
	}
	seen := map[string][]run{}
	for _, s := range sources {
		for i := range s.Report.Sections {
			now := run{s.Name, &s.Report.Sections[i]}
			for _, earlier := range seen[s.Scenario] {
				if reflect.DeepEqual(earlier.section, now.section) && len(now.section.Tests) > 0 {
					return fmt.Errorf("scenario %s has the same run twice, in %s and in %s: "+
						"give each run once", s.Scenario, earlier.file, now.file)
				}
			}
			seen[s.Scenario] = append(seen[s.Scenario], now)
		}
	}
	return nil
}

// take turns the sources into a plan that has been carried out, and returns the name of each file below raw/.
func take(p *rundir.Plan, sources []Source) (results []rundir.Result, files []string) {
	p.Order = rundir.Sequential
	rounds := map[[2]string]int{}
	for _, source := range sources {
		if !slices.ContainsFunc(p.Scenarios,
			func(s rundir.Scenario) bool { return s.Name == source.Scenario }) {
			state := rundir.State("scenario " + source.Scenario)
			p.Scenarios = append(p.Scenarios, rundir.Scenario{Name: source.Scenario, State: state})
		}
		file := rawName(source, files)
		files = append(files, file)
		for _, section := range source.Report.Sections {
			for _, imported := range section.Tests {
				t := importedTest(p, imported, section.Copies)
				for _, pass := range passesOf(imported) {
					key := [2]string{t.Name, source.Scenario}
					results = append(results, rundir.Result{
						Test: t.Name, Scenario: source.Scenario, Round: rounds[key],
						Ns: pass.Time * 1e9, Ops: pass.Value() * pass.Time, Score: pass.Value(),
						Output: file,
					})
					rounds[key]++
					p.Runs = max(p.Runs, rounds[key])
				}
			}
		}
	}
	return results, files
}

// rawName returns a name for a source that none of the others has.
func rawName(s Source, taken []string) string {
	folder, base := rundir.FileName(s.Scenario), filepath.Base(s.Name)
	name := path.Join(folder, rundir.FileName(base))
	for n := 2; slices.Contains(taken, name); n++ {
		name = path.Join(folder, rundir.FileName(fmt.Sprintf("%s-%d", base, n)))
	}
	return name
}

// importedTest returns the test of a result, and adds it to the plan if it is new.
func importedTest(p *rundir.Plan, i score.Imported, copies int) rundir.Test {
	t := rundir.Test{Name: i.Name, Label: i.Label, Unit: i.Unit, Kind: rundir.Plain, Baseline: i.Baseline}
	if t.Name == "" {
		t.Name = i.Label
	}
	t = t.WithCopies(copies)
	if !slices.ContainsFunc(p.Tests, func(known rundir.Test) bool { return known.Name == t.Name }) {
		p.Tests = append(p.Tests, t)
	}
	return t
}

// passesOf returns the passes of a log. In other files the score stands for all of them.
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
