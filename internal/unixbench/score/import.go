package score

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
)

// Format is one of the files that UnixBench's Run writes.
type Format string

// The zero Format is found out from the file.
const (
	FormatReport Format = "report"
	FormatLog    Format = "log"
	FormatCSV    Format = "csv"
)

// Report is what one or more runs of UnixBench gave.
type Report struct {
	// Version is UnixBench's, "" where the file does not say.
	Version  string
	Sections []Section
}

// Section is a run with one number of copies.
type Section struct {
	// CPUs is 0 where the file does not say.
	CPUs, Copies int
	Tests        []Imported
	// System is the index, computed where the file does not say, 0 without any test of the index.
	System  float64
	Partial bool
}

// Imported is a test's result.
type Imported struct {
	Label string
	// Name is Test.Name, "" for a test that is not of the index.
	Name  string
	Score float64
	Unit  string
	// Time is the mean of the passes' times in seconds, Samples the passes that were kept.
	Time    float64
	Samples int
	// Baseline and Index are 0 for a test that is not of the index.
	Baseline, Index float64
	// Passes are all of them, copies summed; only a log has them.
	Passes []Pass
}

// maxImport bounds what is read: a log of an hour is 30 KB.
const maxImport = 64 << 20

// Import reads a file of UnixBench 5.1.3 or 6.0. A score that is UnixBench's way of saying that a test failed (1.0) is an error.
func Import(r io.Reader, f Format) (*Report, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxImport+1))
	if err != nil {
		return nil, fmt.Errorf("read UnixBench's results: %w", err)
	}
	if len(data) > maxImport {
		return nil, fmt.Errorf("more than %d MiB: this is no result of UnixBench; give its report, .log or .csv", maxImport>>20)
	}
	if f == "" {
		f = detect(data)
	}
	var report *Report
	switch f {
	case FormatReport:
		report, err = importReport(data)
	case FormatLog:
		report, err = importLog(data)
	case FormatCSV:
		report, err = importCSV(data)
	default:
		return nil, fmt.Errorf("no format %q: choose one of report, log, csv", f)
	}
	if err == nil {
		err = report.complete()
	}
	if err != nil {
		return nil, fmt.Errorf("import UnixBench's %s: %w", f, err)
	}
	return report, nil
}

func detect(data []byte) Format {
	trimmed := bytes.TrimSpace(data)
	switch {
	case bytes.HasPrefix(trimmed, []byte("Concurrency,")):
		return FormatCSV
	case bytes.Contains(data, []byte("\n#### Pass ")):
		return FormatLog
	}
	return FormatReport
}

// complete fills in what a format does not say and refuses what cannot be a result.
func (r *Report) complete() error {
	tests := 0
	for i := range r.Sections {
		s := &r.Sections[i]
		scores := map[string]float64{}
		for j := range s.Tests {
			t := &s.Tests[j]
			tests++
			if t.Score == 1 || !(t.Score > 0) {
				return fmt.Errorf("%q scores %g: that is how UnixBench shows a test that counted nothing; run it again and look at its log", t.Label, t.Score)
			}
			if test, ok := byLabel(t.Label); ok {
				t.Name, t.Baseline = test.Name, test.Baseline
				if t.Unit == "" {
					t.Unit = test.Unit
				}
				if _, twice := scores[t.Name]; twice {
					return fmt.Errorf("%q is there twice for %d copies; a log is appended to: give that of one run", t.Label, s.Copies)
				}
				scores[t.Name] = t.Score
			}
		}
		s.fillIndex(scores)
	}
	if tests == 0 {
		return errors.New("no results in it; give the report, .log or .csv of a run that finished")
	}
	return nil
}

func (s *Section) fillIndex(scores map[string]float64) {
	perTest, system, partial := Index(scores)
	for j := range s.Tests {
		if t := &s.Tests[j]; t.Index == 0 {
			t.Index = perTest[t.Name]
		}
	}
	if s.System == 0 {
		s.System, s.Partial = system, partial
	}
}

// parseDecimal reads a number as UnixBench prints them: no sign, no exponent.
func parseDecimal(s string) (float64, error) {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsInf(v, 0) || math.IsNaN(v) || v < 0 {
		return 0, fmt.Errorf("%q is not a number", s)
	}
	return v, nil
}
