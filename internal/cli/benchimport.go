package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/lsmprof/lsmprof/internal/bench"
	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/unixbench/score"
)

// importRuns makes a run directory from files that UnixBench's Run wrote.
func (o *benchOptions) importRuns(std streams) (err error) {
	var sources []bench.Source
	version := ""
	var warnings []string
	unnamed := map[string]string{} // files by the scenario that their names give
	for _, s := range o.imports {
		source, err := readImport(s)
		if err != nil {
			return fmt.Errorf("--import %s: %w", s, err)
		}
		if !strings.Contains(s, "=") {
			if other, taken := unnamed[source.Scenario]; taken {
				return fmt.Errorf("--import %s: this file and %s would both be scenario %s: name "+
					"them, as in --import old=%s",
					s, other, source.Scenario, s)
			}
			unnamed[source.Scenario] = s
		}
		for _, w := range source.Report.Warnings {
			warnings = append(warnings, s+": "+w)
		}
		if source.Report.Version != "" {
			version = " " + source.Report.Version
		}
		sources = append(sources, source)
	}
	info := o.importInfo(version)
	info.Warnings = warnings
	d, err := bench.Import(info, sources, o.create)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	return o.conclude(std, d)
}

// importInfo leaves out this machine: the files may come from another one.
func (o *benchOptions) importInfo(unixbench string) rundir.Info {
	return rundir.Info{
		Version: version(), CommandLine: o.invocation, Start: time.Now(), Enforcer: "unknown",
		Suite: "imported, UnixBench" + unixbench,
		Plan:  rundir.Plan{Seed: o.seed},
	}
}

// readImport reads SCENARIO=FILE. Without a scenario the file's name is used.
func readImport(s string) (bench.Source, error) {
	scenario, file, named := strings.Cut(s, "=")
	if !named {
		file = s
		scenario = withoutExtension(filepath.Base(s))
	}
	if scenario == "" || file == "" {
		return bench.Source{}, errors.New("want SCENARIO=FILE")
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return bench.Source{}, err
	}
	report, err := score.Import(bytes.NewReader(data), "")
	return bench.Source{Scenario: scenario, Name: file, Data: data, Report: report}, err
}

// withoutExtension removes the extensions that Run gives its files. Anything else after a dot belongs to the name of
// the host, after which Run names its files: "node.example.com-2026-01-02-01".
func withoutExtension(name string) string {
	for _, ext := range []string{".log", ".csv", ".html", ".txt"} {
		if base := strings.TrimSuffix(name, ext); base != name && base != "" {
			return base
		}
	}
	return name
}
