package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"

	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/profile"
)

// Append adds the results of a round, and names the enforcer that they are about.
func (d *Dir) Append(results []rundir.Result) error {
	if len(results) == 0 {
		return nil
	}
	d.analysis = nil
	if err := d.journal.append(results); err != nil {
		return fmt.Errorf("write %s: %w", d.File(rundir.ResultsFile), err)
	}
	return d.nameEnforcer()
}

// SaveInfo writes run.json.
func (d *Dir) SaveInfo() error {
	if d.Info.Warnings == nil {
		d.Info.Warnings = []string{}
	}
	return d.writeJSON(rundir.InfoFile, d.Info)
}

// Save writes what follows from the results: analysis.json, and bench.txt in the Go benchmark format.
func (d *Dir) Save() error {
	return errors.Join(d.writeJSON(rundir.AnalysisFile, d.Analysis()), d.write(rundir.BenchFile, d.benchmarks),
		d.SaveInfo())
}

// SaveReport writes report.html, which write makes.
func (d *Dir) SaveReport(write func(io.Writer) error) error { return d.write(rundir.ReportFile, write) }

// saveOutput writes the output of a test below raw/ and notes its name in the result.
func (d *Dir) saveOutput(r *rundir.Result, output []byte) error {
	if len(output) == 0 {
		return nil
	}
	r.Output = path.Join(rundir.FileName(r.Scenario), fmt.Sprintf("%s-%d.txt", rundir.FileName(r.Test), r.Round))
	return d.writeBytes(path.Join(rundir.RawDir, r.Output), output)
}

// saveExplained adds what the profile run of a test found, by scenario. The warnings are written with it, because a
// bench that continues does not profile the test again.
func (d *Dir) saveExplained(test string, cells map[string]rundir.Explained) error {
	d.analysis = nil
	d.explained[test] = cells
	errs := []error{d.SaveInfo(), d.writeJSON(rundir.ExplainedFile, d.explained)}
	if len(d.sources) > 0 {
		errs = append(errs, d.writeJSON(rundir.SourcesFile, d.sources))
	}
	return errors.Join(errs...)
}

// addSources adds the lines of programs. saveExplained writes them.
func (d *Dir) addSources(in *profile.Inside) {
	if in == nil {
		return
	}
	if d.sources == nil {
		d.sources = rundir.Sources{}
		if data, err := d.readFile(rundir.SourcesFile); err == nil {
			_ = json.Unmarshal(data, &d.sources) // else they are sampled again
		}
	}
	for _, p := range in.Programs {
		if len(p.Lines) > 0 {
			d.sources[p.Program] = p.Lines
		}
	}
}

func (d *Dir) readExplained() (map[string]map[string]rundir.Explained, error) {
	all := map[string]map[string]rundir.Explained{}
	data, err := d.readFile(rundir.ExplainedFile)
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &all)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", rundir.ExplainedFile, err)
	}
	return all, nil
}

// saveProfile writes profiles/SCENARIO/TEST.pb.gz. Its samples are labelled with the test and the scenario that they
// come from.
func (d *Dir) saveProfile(costs *profile.Costs, t rundir.Test, in rundir.Scenario, e rundir.Explained) error {
	p, err := rundir.CellProfile(costs, t, e)
	if err != nil {
		return err
	}
	labels := [][2]string{{"scenario", in.Name}, {"test", t.Name}}
	if cell := d.cell(t.Name, in.Name); cell != nil {
		labels = append(labels, [2]string{"score", fmt.Sprintf("%.6g %s", cell.Score, t.Unit)},
			[2]string{"loss", fmt.Sprintf("%.3f %%", 100*cell.Loss)})
	}
	for _, l := range labels {
		p.Comments = append(p.Comments, l[0]+": "+l[1])
		for _, sample := range p.Sample {
			if sample.Label == nil {
				sample.Label = map[string][]string{}
			}
			sample.Label[l[0]] = []string{l[1]}
		}
	}
	return d.write(rundir.ProfilePath(in.Name, t.Name), func(w io.Writer) error { return p.Write(w) })
}

// inForceFile names the scenario whose setup has run, until its teardown has.
const inForceFile = "in-force.json"

// inForceMark is the content of inForceFile.
type inForceMark struct {
	Scenario string `json:"scenario"` // empty: none
}

// MarkInForce notes that the setup of a scenario is about to run, or, with an empty name, that nothing is in force any
// more. A bench that continues after a crash tears down what the mark names.
func (d *Dir) MarkInForce(scenario string) error {
	return d.writeJSON(inForceFile, inForceMark{scenario})
}

// InForce returns the scenario that MarkInForce noted last.
func (d *Dir) InForce() (string, error) {
	data, err := d.readFile(inForceFile)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	var mark inForceMark
	if err == nil {
		err = json.Unmarshal(data, &mark)
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", d.File(inForceFile), err)
	}
	return mark.Scenario, nil
}
