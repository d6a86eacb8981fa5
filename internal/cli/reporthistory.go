package cli

import (
	"errors"
	"slices"

	"github.com/lsmprof/lsmprof/internal/cmdline"
	"github.com/lsmprof/lsmprof/internal/fetch"
)

func (o *reportOptions) historyFlags(f *cmdline.Flags) {
	f.Group("History")
	f.BoolVar(&o.history, "history", false,
		"Say what changed over time, and when. The arguments are runs and profiles of many days, or "+
			"directories that hold them.")
}

func (o *reportOptions) checkHistory() error {
	switch {
	case o.fleet:
		return errors.New("--fleet and --history exclude each other: nodes, or points in time")
	case o.limit > 0 || o.force:
		return errors.New("--fail-over and --force compare two runs")
	case slices.ContainsFunc(o.runs, fetch.IsURL):
		return errors.New("--history takes files and directories, not URLs")
	}
	return nil
}
