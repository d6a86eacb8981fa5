package cli

import (
	"encoding/json"
	"fmt"

	"github.com/lsmprof/lsmprof/internal/bench"
	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/terminal"
	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/report"
)

// conclude saves and prints what the results say.
func (o *benchOptions) conclude(std streams, d *bench.Dir) error {
	if err := d.Save(); err != nil {
		return err
	}
	if err := o.print(std, d); err != nil {
		return err
	}
	return o.verdict(std, d.Analysis())
}

func (o *benchOptions) print(std streams, d *bench.Dir) error {
	if o.JSON() {
		e := json.NewEncoder(std.out)
		e.SetIndent("", "  ")
		return e.Encode(struct {
			Run *rundir.Info `json:"run"`
			rundir.Analysis
		}{&d.Info, d.Analysis()})
	}
	r, err := report.Open(d.Path)
	if err != nil {
		return err
	}
	brief := terminal.Is(std.out) && !std.verbose // all figures would drive the answer off the screen
	if brief {
		err = r.WriteBrief(std.out, terminal.Width(std.out))
	} else {
		err = std.prose(r.WriteText)
	}
	if err != nil {
		return err
	}
	if err := d.SaveReport(r.WriteHTML); err != nil {
		return err
	}
	std.say(fmt.Sprintf("wrote %s\nlook at it: lsmprof report %s --http localhost:0", d.File(rundir.ReportFile),
		d.Path))
	if brief {
		std.say(fmt.Sprintf("all figures: lsmprof report %s --format text -o -", d.Path))
	}
	return nil
}

// verdict returns exit status 4 if a loss is above --fail-over.
func (o *benchOptions) verdict(std streams, a rundir.Analysis) error {
	if o.regression == 0 {
		return nil
	}
	failed := false
	for _, c := range a.Cells {
		if c.Significant && c.Loss > o.regression {
			fmt.Fprintf(std.err, "lsmprof: %s under %s lost %s, more than --fail-over %s\n",
				text.Printable(c.Test), text.Printable(c.Scenario),
				text.Percent(c.Loss), text.Number(100*o.regression)+" %")
			failed = true
		}
	}
	if failed {
		return exitError{exitRegression}
	}
	return nil
}
