package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lsmprof/lsmprof/internal/cmdline"
	"github.com/lsmprof/lsmprof/internal/fetch"
	"github.com/lsmprof/lsmprof/internal/localhttp"
	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/report"
)

type reportOptions struct {
	runs    []string
	output  string
	formats []string
	http    string
	force   bool
	fleet   bool
	history bool
	nodes   fetch.Config

	limit float64
}

var reportFormats = []string{"html", "md", "text", "json", "csv"}

func reportCommand() *command {
	return &command{
		Command: cmdline.Command{
			Name: "report", Args: "RUN|PROFILE|URL…", Group: groupBenchmark,
			Summary: "Report on a benchmark, a profile or a fleet, or compare two",
			Text: "RUN is a run directory of lsmprof bench, PROFILE a file of lsmprof record or serve, " +
				"and URL the address of lsmprof serve. Give one for a report on it, two to compare " +
				"them (the older first), or three or more profiles for a report on a fleet of nodes. " +
				"report needs neither root nor BPF: copy files to any machine and read them there.",
			Examples: []cmdline.Example{
				{
					What:    "Write report.html to the run directory",
					Command: "lsmprof report lsmprof-bench-20260102-150405",
				},
				{
					What:    "Look at a profile in a browser, with flame graphs",
					Command: "lsmprof report lsmprof.pb.gz --http localhost:0",
				},
				{
					What: "Find the node that differs; each measures 10 seconds",
					Command: "lsmprof report --fleet " +
						"http://node-{1,2,3,4,5}:6061/debug/pprof/lsm?seconds=30",
				},
				{
					What:    "Find out what changed over many runs, and when",
					Command: "lsmprof report --history runs",
				},
				{
					What:    "Compare two runs, and fail if the newer one lost more than 1 %",
					Command: "lsmprof report OLD NEW --fail-over 1%",
				},
			},
		},
		setup: func(f *cmdline.Flags) action {
			var o reportOptions
			o.flags(f)
			return func(ctx context.Context, std streams, _ []string) error { return o.report(ctx, std, f) }
		},
	}
}

func (o *reportOptions) flags(f *cmdline.Flags) {
	f.Group(cmdline.Output)
	f.StringVarP(&o.output, "output", "o", "",
		"Write report.html, report.md, report.txt, report.json and the .csv files to this "+
			"`DIRECTORY`; - prints a single format. The default is the newer run, or the directory of the "+
			"newer profile; for fleets and URLs, the current directory.")
	o.formats = []string{"html"}
	f.Var(cmdline.Choices(&o.formats, reportFormats...), "format", "Write these formats. Profiles have html, text "+
		"and json.")
	f.StringVar(&o.http, "http", "",
		"Write nothing. Serve the page, and pprof's views of the profile or of each scenario, at this "+
			"loopback `ADDRESS`, such as localhost:0.")
	o.fleetFlags(f)
	o.historyFlags(f)
	f.Group("Comparison of two runs")
	f.Var(cmdline.Percent(&o.limit), "fail-over",
		"Exit with status 4 if a significant regression is above this many points of the "+
			"baseline, such as 1%.")
	f.BoolVar(&o.force, "force", false, "Compare the runs even if their machines, kernels or durations differ.")
}

func (o *reportOptions) report(ctx context.Context, std streams, f *cmdline.Flags) error {
	if err := o.validate(f); err != nil {
		return usageError{fmt.Errorf("report: %w", err)}
	}
	if err := o.run(ctx, std); err != nil {
		var exit exitError
		if errors.As(err, &exit) {
			return err
		}
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

func (o *reportOptions) validate(f *cmdline.Flags) (err error) {
	o.runs = f.Args()
	if len(o.runs) < 1 {
		return errors.New("0 arguments: want a run directory of `lsmprof bench` or a profile of `lsmprof " +
			"record`, " +
			"or an old and a new one, or the profiles of many nodes")
	}
	if err := o.checkNodes(); err != nil {
		return err
	}
	switch {
	case o.history:
		if err := o.checkHistory(); err != nil {
			return err
		}
	case o.isFleet():
		if err := o.checkFleet(); err != nil {
			return err
		}
	}
	if len(o.runs) == 1 && (o.limit > 0 || o.force) {
		return errors.New("--fail-over and --force need two runs; for one run use `lsmprof bench --fail-over`")
	}
	if o.output == "-" && (len(o.formats) != 1 || o.formats[0] == "csv") {
		return errors.New("--output - takes a single format other than csv, which is several files")
	}
	if slices.Contains([]string{".html", ".md", ".txt", ".json", ".csv"}, filepath.Ext(o.output)) {
		if info, err := os.Stat(o.output); err != nil || !info.IsDir() {
			return fmt.Errorf("-o %s: must be a directory, to which report.html and others are written; "+
				"for one file use --format FORMAT -o - and redirect it", o.output)
		}
	}
	if o.http != "" {
		if err := localhttp.Check(o.http); err != nil {
			return fmt.Errorf("--http %s: %w", o.http, err)
		}
	}
	return nil
}

func (o *reportOptions) run(ctx context.Context, std streams) error {
	if profiles, err := o.areProfiles(); profiles || err != nil {
		if err != nil {
			return err
		}
		return o.runProfiles(ctx, std)
	}
	r, err := o.open()
	if err != nil {
		return err
	}
	if o.http != "" {
		return o.serve(ctx, std, r)
	}
	if err := o.write(std, r); err != nil {
		return err
	}
	return o.verdict(std, r)
}

// open reads one run, or compares two.
func (o *reportOptions) open() (*report.Report, error) {
	var all []*report.Report
	for _, path := range o.runs {
		r, err := report.Open(path)
		if err != nil {
			return nil, fmt.Errorf("%w; `lsmprof bench -o DIR` makes a run directory", err)
		}
		all = append(all, r)
	}
	if len(all) == 1 {
		return all[0], nil
	}
	r := all[1].Compare(all[0])
	if differs := r.Comparison.Differs; len(differs) > 0 && !o.force {
		return nil, fmt.Errorf("the runs cannot be compared: %s; compare them anyway with --force",
			strings.Join(differs, "; "))
	}
	return r, nil
}

// write writes the report on one run, or on two.
func (o *reportOptions) write(std streams, r *report.Report) error {
	files := map[string][]reportFile{
		"html": {{"report.html", r.WriteHTML}}, "md": {{"report.md", r.WriteMarkdown}},
		"text": {{"report.txt", r.WriteText}}, "json": {{"report.json", r.WriteJSON}},
	}
	for _, t := range r.Tables() {
		files["csv"] = append(files["csv"], reportFile{t.Name + ".csv", t.Write})
	}
	return o.writeFiles(std, cmp.Or(o.output, o.runs[len(o.runs)-1]), files)
}

// verdict returns exit code 4 if a regression is above --fail-over.
func (o *reportOptions) verdict(std streams, r *report.Report) error {
	if o.limit == 0 {
		return nil
	}
	worse := r.Regressions(o.limit)
	for _, d := range worse {
		fmt.Fprintf(std.err, "lsmprof: %s under %s lost %.2f points more than before (%.2f to %.2f), more "+
			"than --fail-over %s\n",
			text.Printable(d.Test), text.Printable(d.Scenario), 100*d.Delta, 100*d.CI.Low, 100*d.CI.High,
			text.Number(100*o.limit)+" %")
	}
	if len(worse) > 0 {
		return exitError{exitRegression}
	}
	return nil
}
