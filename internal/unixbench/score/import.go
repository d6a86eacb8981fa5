package score

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
)

// Format is one of the files that UnixBench's Run script writes.
type Format string

// The formats that Import reads.
const (
	FormatReport Format = "report"
	FormatLog    Format = "log"
	FormatCSV    Format = "csv"
)

// Report holds the results of one or more runs of UnixBench.
type Report struct {
	// Version is UnixBench's, or "" if the file does not say.
	Version  string
	Sections []Section
	// Warnings name what a reader would miss: a run without results, or one that cannot be checked.
	Warnings []string
}

func (r *Report) warn(format string, args ...any) {
	r.Warnings = append(r.Warnings, fmt.Sprintf(format, args...))
}

// Section is a run with one number of copies.
type Section struct {
	CPUs   int // 0 if the file does not say
	Copies int // that ran at once
	Tests  []Imported
	// System is the index score, computed if the file does not say. It is 0 if no test of the index ran.
	System  float64
	Partial bool // not all twelve tests are in System
}

// Imported is the result of a test.
type Imported struct {
	Label string
	Name  string // Test.Name, or "" if the test is not of the index
	Score float64
	Unit  string
	// Time is the mean time of a pass in s. Samples is the number of passes that UnixBench kept.
	Time    float64
	Samples int
	// Baseline and Index are 0 if the test is not of the index.
	Baseline, Index float64
	// Passes holds all passes with their copies added up. Only a log has them.
	Passes []Pass
}

// maxImport bounds the size of a file, in bytes. The log of an hour has 30 KB.
const maxImport = 64 << 20

// Import reads a file of UnixBench 5.1.3 or 6.0, and detects its format if f is "". It fails if the file has lost
// results or holds a score of 1.0, by which UnixBench means that a test failed. The error names the line.
func Import(r io.Reader, f Format) (*Report, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxImport+1))
	if err != nil {
		return nil, fmt.Errorf("read UnixBench's results: %w", err)
	}
	if len(data) > maxImport {
		return nil, fmt.Errorf("more than %d MiB: this is not a file of UnixBench; give its report, .log "+
			"or .csv", maxImport>>20)
	}
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return nil, errors.New("the file is UTF-16: convert it with iconv -f UTF-16 -t UTF-8")
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
		return nil, fmt.Errorf("unknown format %q: want report, log or csv", f)
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

// complete fills in what the format lacks, and refuses scores that cannot be results.
func (r *Report) complete() error {
	tests := 0
	for i := range r.Sections {
		s := &r.Sections[i]
		scores := map[string]float64{}
		for j := range s.Tests {
			t := &s.Tests[j]
			tests++
			if t.Score == 1 || !(t.Score > 0) {
				return fmt.Errorf("%q scores %g: UnixBench reports this for a test that counted "+
					"nothing; run it again and look at its log", t.Label, t.Score)
			}
			if test, ok := byLabel(t.Label); ok {
				t.Name, t.Baseline = test.Name, test.Baseline
				if t.Unit == "" {
					t.Unit = test.Unit
				}
				if _, twice := scores[t.Name]; twice {
					return fmt.Errorf("%q has two results for %s: Run appends to an "+
						"existing log; give the log of one run", t.Label, s.copies())
				}
				scores[t.Name] = t.Score
			}
		}
		s.fillIndex(scores)
	}
	if tests == 0 {
		return errors.New("no results: give the report, .log or .csv of a run that finished")
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

// parseDecimal parses a number as UnixBench prints it: not negative and finite.
func parseDecimal(s string) (float64, error) {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsInf(v, 0) || math.IsNaN(v) || v < 0 {
		return 0, fmt.Errorf("%q is not a number", s)
	}
	return v, nil
}
