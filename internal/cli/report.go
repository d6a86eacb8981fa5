package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/lsmprof/lsmprof/internal/atomicfile"
	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/report"
)

const reportShort = "Reports what a bench found, or what changed between two, as a page, Markdown, JSON or CSV; needs no root and no kernel"

type reportOptions struct {
	runs     []string
	output   string
	formats  []string
	http     string
	failOver string
	force    bool

	limit float64
}

func reportCmd(ctx context.Context, std streams, args []string) error {
	var o reportOptions
	f := newFlags(std, "report", "RUN [NEWER-RUN]", reportShort)
	f.StringVarP(&o.output, "output", "o", ".", "`directory` for report.html, report.md, report.json and the .csv files; - prints a single format")
	f.StringSliceVar(&o.formats, "format", []string{"html"}, "formats to write: html, md, json, csv")
	f.StringVar(&o.http, "http", "", "serve the page, and pprof's web UI on each profile, at this loopback `address`, such as localhost:0; writes nothing")
	f.StringVar(&o.failOver, "fail-over", "", "of two runs: exit with status 4 when a significant regression is above this, such as 1%")
	f.BoolVar(&o.force, "force", false, "compare runs although they are of different machines, kernels or durations")
	if err := parse(f, args); err != nil {
		return err
	}
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

func (o *reportOptions) validate(f *pflag.FlagSet) (err error) {
	o.runs = f.Args()
	if len(o.runs) < 1 || len(o.runs) > 2 {
		return fmt.Errorf("%d run directories: want one, or an old and a new one; `lsmprof bench` makes them", len(o.runs))
	}
	if len(o.runs) == 1 && (o.failOver != "" || o.force) {
		return errors.New("--fail-over and --force are for two runs; `lsmprof bench --fail-over` is for one")
	}
	for _, name := range o.formats {
		if !slices.Contains([]string{"html", "md", "json", "csv"}, name) {
			return fmt.Errorf("--format %s: must be html, md, json or csv", name)
		}
	}
	if o.output == "-" && (len(o.formats) != 1 || o.formats[0] == "csv") {
		return errors.New("-o - takes one format, which is not csv: that is several files")
	}
	if o.http != "" {
		if err := loopback(o.http); err != nil {
			return fmt.Errorf("--http %s: %w", o.http, err)
		}
	}
	o.limit, err = parsePercent("--fail-over", o.failOver)
	return err
}

func (o *reportOptions) run(ctx context.Context, std streams) error {
	var runs []*rundir.Run
	for _, path := range o.runs {
		run, err := readRun(path)
		if err != nil {
			return err
		}
		runs = append(runs, run)
	}
	r, newer, err := o.build(runs)
	if err != nil {
		return err
	}
	if o.http != "" {
		return serveReport(ctx, std, o.http, r, newer)
	}
	if err := o.write(std, r); err != nil {
		return err
	}
	return o.verdict(std, r)
}

func readRun(path string) (*rundir.Run, error) {
	if info, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("%w; `lsmprof bench --dir DIR` makes a run directory", err)
	} else if !info.IsDir() {
		return nil, fmt.Errorf("%s is no directory; give the run directory of a `lsmprof bench`", path)
	}
	run, err := rundir.Read(os.DirFS(path))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return run, nil
}

// build makes the report on one run, or on what changed between two.
func (o *reportOptions) build(runs []*rundir.Run) (*report.Report, *rundir.Run, error) {
	newer, graphs := runs[len(runs)-1], o.http == "" && slices.Contains(o.formats, "html") || o.http != ""
	var r *report.Report
	var old *rundir.Run
	if len(runs) == 1 {
		r = report.New(newer)
	} else {
		old = runs[0]
		r = report.Compare(old, newer)
		if len(r.Compared.Differs) > 0 && !o.force {
			return nil, nil, fmt.Errorf("the runs cannot be compared: %s; --force compares them all the same", strings.Join(r.Compared.Differs, "; "))
		}
	}
	if graphs {
		r.AddFlameGraphs(newer, old)
	}
	return r, newer, nil
}

func (o *reportOptions) write(std streams, r *report.Report) error {
	writers := map[string]func(io.Writer) error{"html": r.WriteHTML, "md": r.WriteMarkdown, "json": r.WriteJSON}
	if o.output == "-" {
		return writers[o.formats[0]](std.out)
	}
	if err := os.MkdirAll(o.output, 0o755); err != nil {
		return err
	}
	save := func(name string, write func(io.Writer) error) error {
		path := filepath.Join(o.output, name)
		f, err := atomicfile.Create(path)
		if err != nil {
			return err
		}
		f.KeepOld = true
		kept, err := f.Commit(write)
		if err != nil {
			return err
		}
		fmt.Fprintln(std.err, wrote(path, kept))
		return nil
	}
	for _, format := range o.formats {
		if format == "csv" {
			for _, t := range r.Tables() {
				if err := save(t.Name+".csv", t.Write); err != nil {
					return err
				}
			}
			continue
		}
		if err := save("report."+format, writers[format]); err != nil {
			return err
		}
	}
	return nil
}

// verdict is exit code 4 where a regression is above --fail-over.
func (o *reportOptions) verdict(std streams, r *report.Report) error {
	if o.limit == 0 {
		return nil
	}
	worse := r.Compared.Regressions(o.limit)
	for _, d := range worse {
		fmt.Fprintf(std.err, "lsmprof: %s under %s lost %.2f points more than before (95 %% CI %.2f..%.2f), more than --fail-over %s\n", text.Printable(d.Test), text.Printable(d.Scenario),
			100*d.Delta, 100*d.CI.Low, 100*d.CI.High, o.failOver)
	}
	if len(worse) > 0 {
		return exitError{exitRegression}
	}
	return nil
}
