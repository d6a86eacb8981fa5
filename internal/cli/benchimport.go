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

// importRuns makes a run directory of what plain runs of UnixBench wrote.
func (o *benchOptions) importRuns(std streams) (err error) {
	var sources []bench.Source
	version := ""
	for _, s := range o.imports {
		source, err := readImport(s)
		if err != nil {
			return fmt.Errorf("--import %s: %w", s, err)
		}
		if source.Report.Version != "" {
			version = " " + source.Report.Version
		}
		sources = append(sources, source)
	}
	d, err := bench.Import(o.path(), o.importInfo(version), sources)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	fmt.Fprintf(std.err, "run directory: %s\n", d.Path)
	return o.conclude(std, d)
}

// importInfo says nothing of the machine: the files may be of another one.
func (o *benchOptions) importInfo(unixbench string) rundir.Info {
	return rundir.Info{
		Version: version(), CommandLine: o.invocation, Start: time.Now(), Enforcer: "unknown", Suite: "imported, UnixBench" + unixbench,
		Plan: rundir.Plan{Seed: o.seed, Slice: o.slice},
	}
}

// readImport reads SCENARIO=FILE; without a scenario the file's name is taken for one.
func readImport(s string) (bench.Source, error) {
	scenario, file, named := strings.Cut(s, "=")
	if !named {
		file = s
		scenario = strings.TrimSuffix(filepath.Base(s), filepath.Ext(s))
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
