package cli

import (
	"errors"
	"fmt"
	"time"

	"github.com/lsmprof/lsmprof/internal/bench"
	"github.com/lsmprof/lsmprof/internal/rundir"
)

// importRuns makes a run directory from files that UnixBench's Run wrote.
func (o *benchOptions) importRuns(std streams) (err error) {
	sources, err := bench.ReadSources(o.imports)
	if err != nil {
		return fmt.Errorf("--import %w", err)
	}
	d, err := bench.Import(rundir.Info{ // without this machine: the files may come from another one
		Version: version(), CommandLine: o.invocation, Start: time.Now(), Enforcer: "unknown",
		Plan: rundir.Plan{Seed: o.seed},
	}, sources, o.create)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	return o.conclude(std, d)
}
