package cli

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/lsmprof/lsmprof/internal/bench"
	"github.com/lsmprof/lsmprof/internal/rundir"
)

// importRuns makes a run directory from files that UnixBench's Run wrote.
func (o *benchOptions) importRuns(std streams) (err error) {
	var sources []bench.Source
	version := ""
	var warnings []string
	unnamed := map[string]string{} // files by the scenario that their names give
	for _, s := range o.imports {
		source, err := bench.ReadSource(s)
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
