package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/lsmprof/lsmprof/internal/cmdline"
	"github.com/lsmprof/lsmprof/internal/fetch"
	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/report"
)

// historyName is the name of a report on a history, without ending.
const historyName = "lsmprof-history"

func (o *reportOptions) historyFlags(f *cmdline.Flags) {
	f.Group("History")
	f.BoolVar(&o.history, "history", false,
		"Say what changed over time, and when. The arguments are runs and profiles of many days, or "+
			"directories that "+
			"hold them.")
}

func (o *reportOptions) checkHistory() error {
	switch {
	case o.fleet:
		return errors.New("--fleet and --history exclude each other: nodes, or points in time")
	case o.limit > 0 || o.force:
		return errors.New("--fail-over and --force compare two runs")
	case slices.ContainsFunc(o.runs, fetch.IsURL):
		return errors.New("--history takes files and directories: a URL has no past")
	}
	return nil
}

// runHistory reports on runs and profiles of many days.
func (o *reportOptions) runHistory(ctx context.Context, std streams) error {
	var h report.History
	good := 0
	for _, arg := range o.runs {
		paths, err := rundir.Find(arg)
		if err != nil {
			return err
		}
		if len(paths) == 0 {
			return fmt.Errorf("%s holds no run directory of `lsmprof bench`, and no profile "+
				"(.pb.gz, .pb or .pprof)", arg)
		}
		for _, path := range paths {
			if err := context.Cause(ctx); err != nil {
				return err
			}
			name := path
			if len(o.runs) == 1 {
				name = filepath.Base(path)
			}
			if err := addToHistory(&h, name, path); err != nil {
				fmt.Fprintf(std.err, "lsmprof: left out: %s: %s\n", text.Printable(path),
					text.Printable(err.Error()))
				continue
			}
			good++
		}
	}
	if good == 0 {
		return errors.New("no run directory of `lsmprof bench` and no profile of `lsmprof record` could be " +
			"read")
	}
	return o.writeProfile(ctx, std, h.Report())
}

func addToHistory(h *report.History, name, path string) error {
	if rundir.Is(path) {
		return h.AddRun(name, path)
	}
	f, err := fetch.OpenFile(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return h.AddProfile(name, f)
}
