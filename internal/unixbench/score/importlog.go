package score

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

var (
	logTestLine  = regexp.MustCompile(`^(.+) -- (\d+) cop(?:y|ies)$`)
	logPassLine  = regexp.MustCompile(`^#### Pass (\d+)$`)
	logFieldLine = regexp.MustCompile(`^# ([A-Za-z]+[0-9]?): (.*)$`)
	logScoreLine = regexp.MustCompile(`^>>>> score: (.+)$`)
)

// importLog reads the log, the only file that has every pass. It computes the scores from the passes. The log's own
// scores, which have all digits, must agree.
func importLog(data []byte) (*Report, error) {
	l := logReader{report: &Report{}}
	number := 0
	for line := range strings.Lines(string(data)) {
		number++
		if err := l.line(strings.TrimRight(line, "\r\n")); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
	}
	if l.test != nil {
		return nil, fmt.Errorf("%q has no result: the run was cut short; run that test again", l.test.Label)
	}
	return l.report, nil
}

type logReader struct {
	report *Report
	test   *Imported
	copies int
	// passes holds those of the current test, each with its copies.
	passes [][]Pass
	header bool
}

func (l *logReader) line(line string) error {
	if strings.HasPrefix(line, "########") {
		l.header = true
		return nil
	}
	if m := logTestLine.FindStringSubmatch(line); m != nil && l.header {
		return l.begin(m[1], m[2])
	}
	l.header = false
	if l.test == nil {
		return nil
	}
	if logPassLine.MatchString(line) {
		l.passes = append(l.passes, nil)
		return nil
	}
	if m := logFieldLine.FindStringSubmatch(line); m != nil && len(l.passes) > 0 {
		return l.field(m[1], m[2])
	}
	if m := logScoreLine.FindStringSubmatch(line); m != nil {
		return l.finish(m[1])
	}
	return nil
}

func (l *logReader) begin(label, copies string) error {
	if l.test != nil {
		return fmt.Errorf("%q has no result: its run was cut short; run that test again", l.test.Label)
	}
	n, err := strconv.Atoi(copies)
	if err != nil || n < 1 {
		return fmt.Errorf("%q is not a number of copies", copies)
	}
	l.test, l.copies, l.passes = &Imported{Label: label}, n, nil
	return nil
}

// field takes one value of one copy. COUNT0 is the first of each copy.
func (l *logReader) field(name, value string) (err error) {
	pass := &l.passes[len(l.passes)-1]
	if name == "COUNT0" {
		*pass = append(*pass, Pass{})
	}
	switch name {
	case "COUNT0", "COUNT1", "COUNT2", "TIME", "elapsed", "status":
	default:
		return nil
	}
	if len(*pass) == 0 {
		return fmt.Errorf("a %s without a COUNT0: the program counted nothing; run the test again", name)
	}
	p := &(*pass)[len(*pass)-1]
	switch name {
	case "COUNT0":
		p.Count, err = parsePositive(value)
	case "COUNT1":
		p.Timebase, err = parseDecimal(value)
	case "COUNT2":
		p.Unit = value
	case "TIME":
		p.Time, err = parsePositive(value)
	case "elapsed":
		if p.Time == 0 {
			p.Time, err = parsePositive(value)
		}
	case "status":
		p.Status, err = strconv.Atoi(value)
		if err == nil && p.Status != 0 {
			err = fmt.Errorf("the program ended with wait status %d", p.Status)
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w; run the test again", name, err)
	}
	return nil
}

// finish joins the copies of each pass as UnixBench does: counts are added, times averaged.
func (l *logReader) finish(score string) error {
	t := l.test
	for _, copies := range l.passes {
		if len(copies) != l.copies {
			return fmt.Errorf("%q: a pass with %d of %d copies; run the test again", t.Label, len(copies),
				l.copies)
		}
		sum := copies[0]
		for _, p := range copies[1:] {
			if p.Timebase != sum.Timebase || p.Unit != sum.Unit {
				return fmt.Errorf("%q: copies of one pass in different units", t.Label)
			}
			sum.Count += p.Count
			sum.Time += p.Time
		}
		sum.Time /= float64(len(copies))
		if sum.Time <= 0 {
			return fmt.Errorf("%q: a pass without a time", t.Label)
		}
		t.Passes = append(t.Passes, sum)
	}
	if len(t.Passes) == 0 {
		return errors.New("a score without a pass")
	}
	t.Unit = t.Passes[0].Unit
	t.Score, t.Samples = Reduce(t.Passes)
	for _, p := range bestPasses(t.Passes) {
		t.Time += p.Time / float64(t.Samples)
	}
	theirs, err := parsePositive(score)
	if err != nil {
		return fmt.Errorf("score: %w", err)
	}
	if diff := t.Score/theirs - 1; !(diff < 1e-9 && diff > -1e-9) {
		return fmt.Errorf("%q: its passes give %g, the log says %g; was it edited?", t.Label, t.Score, theirs)
	}
	l.report.section(l.copies).Tests = append(l.report.section(l.copies).Tests, *t)
	l.test = nil
	return nil
}

func (r *Report) section(copies int) *Section {
	for i := range r.Sections {
		if r.Sections[i].Copies == copies {
			return &r.Sections[i]
		}
	}
	r.Sections = append(r.Sections, Section{Copies: copies})
	return &r.Sections[len(r.Sections)-1]
}
