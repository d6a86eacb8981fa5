package bench

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/text"
)

// ParseTest parses a test such as `name=N; run=COMMAND; metric=REGEXP; better=higher|lower`. A semicolon within a value
// is written twice.
func ParseTest(s string) (rundir.Test, error) {
	t := rundir.Test{Kind: rundir.Command}
	const escaped = "\x00"
	seen := map[string]bool{}
	for part := range strings.SplitSeq(strings.ReplaceAll(s, ";;", escaped), ";") {
		part = strings.TrimSpace(strings.ReplaceAll(part, escaped, ";"))
		if part == "" {
			continue
		}
		key, value, ok := strings.Cut(part, "=")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		field := map[string]*string{
			"name": &t.Name, "run": &t.Run, "metric": &t.Metric, "better": &t.Better, "unit": &t.Unit,
		}[key]
		if !ok || field == nil || seen[key] {
			return t, fmt.Errorf("%q: want name=…; run=…; metric=…; better=higher|lower, each once, with "+
				";; for a semicolon in a value", part)
		}
		seen[key], *field = true, value
	}
	return t, CheckCommand(&t)
}

// CheckCommand sets the defaults of a test that is a command, and returns what is wrong with it.
func CheckCommand(t *rundir.Test) error {
	if t.Better == "" {
		t.Better = rundir.Higher
		if t.Metric == "" {
			t.Better = rundir.Lower
		}
	}
	if t.Metric == "" && t.Unit == "" {
		t.Unit = "s"
	}
	t.Kind, t.Label = rundir.Command, t.Name
	switch {
	case t.Name == "" || t.Run == "":
		return errors.New("a test needs name=… and run=…")
	case t.Better != rundir.Higher && t.Better != rundir.Lower:
		return fmt.Errorf("better=%s: must be higher or lower", t.Better)
	case t.Metric == "" && t.Better == rundir.Higher:
		return errors.New("better=higher needs a metric: without one less time is better")
	}
	if err := rundir.CheckName(t.Name); err != nil {
		return err
	}
	if t.Metric != "" {
		re, err := regexp.Compile(t.Metric)
		if err != nil {
			return fmt.Errorf("metric: %w", err)
		}
		if re.NumSubexp() != 1 {
			return fmt.Errorf("metric %s: has %d groups, want one pair of parentheses around the number",
				t.Metric, re.NumSubexp())
		}
	}
	return nil
}

// SampleOf converts one pass of a command, which printed output and took the given time in ns, to a Sample.
func SampleOf(t rundir.Test, output []byte, took float64) (Sample, error) {
	value, err := value(t, output, took)
	if err != nil {
		return Sample{}, err
	}
	rate := value
	if t.Better == rundir.Lower {
		rate = 1 / value
	}
	// The number of operations that gives the rate in that time.
	return Sample{Ops: rate * took / 1e9, Ns: took, Output: output}, nil
}

// CommandFailed returns the error of a command that ended with a status other than 0, with the last line of its output.
func CommandFailed(status string, output []byte) error {
	return fmt.Errorf("exit status %s: %s", status, text.Printable(lastLine(string(output))))
}

func value(t rundir.Test, output []byte, took float64) (float64, error) {
	if t.Metric == "" {
		return took / 1e9, nil
	}
	metric, err := regexp.Compile(t.Metric)
	if err != nil {
		return 0, err
	}
	// The last match: many programs report progress first.
	all := metric.FindAllSubmatch(output, -1)
	if len(all) == 0 {
		return 0, fmt.Errorf("its output has no match for metric %s; it ends in: %s", t.Metric,
			text.Printable(lastLine(string(output))))
	}
	digits := bytes.ReplaceAll(all[len(all)-1][1], []byte(","), nil)
	v, err := strconv.ParseFloat(string(digits), 64)
	if err != nil || !(v > 0) || math.IsInf(v, 1) {
		return 0, fmt.Errorf("metric %s matches %q, which is not a number above 0", t.Metric, digits)
	}
	return v, nil
}
