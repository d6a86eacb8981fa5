package score

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

var (
	versionLine = regexp.MustCompile(`^\s*BYTE UNIX Benchmarks \(Version ([^)]+)\)`)
	copiesLine  = regexp.MustCompile(`^\s*(\d+) CPUs? in system; running (\d+) parallel cop(?:y|ies) of tests$`)
	resultLine  = regexp.MustCompile(`^\s*(.+?)\s+([\d.]+) (lps|lpm|KBps|MWIPS|fps|score)\s+` +
		`\(([\d.]+) s, (\d+) samples\)$`)
	tableLine = regexp.MustCompile(`^\s*(.+?)(?: Index Values| Partial Index)\s+BASELINE\s+RESULT\s+INDEX$`)
	indexLine = regexp.MustCompile(`^\s*(.+?)\s+([\d.]+)\s+([\d.]+)\s+([\d.]+)$`)
	scoreLine = regexp.MustCompile(`^\s*(.+) Index Score( \(Partial Only\))?\s+([\d.]+)$`)
)

// systemTests is the category of the tests that lsmprof knows. Those of the others, of 2D and 3D graphics and
// "Non-Index Benchmarks", have tables of their own, in any order.
const systemTests = "System Benchmarks"

// giveOriginal is the advice for a report that was damaged on its way here.
const giveOriginal = "the report was wrapped or cut when it was copied; give the file that Run wrote, unchanged"

// importReport reads the text report, and whatever Run and make print around it. Every section ends in a table of
// indices, which says what results the section must have: a result that was lost on the way is an error.
func importReport(data []byte) (*Report, error) {
	r := &reportReader{report: &Report{}}
	number := 0
	for line := range strings.Lines(string(data)) {
		number++
		if err := r.line(plainSpaces(line)); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
	}
	if err := r.endSection(); err != nil {
		return nil, fmt.Errorf("line %d: %w", number, err)
	}
	return r.report, nil
}

// plainSpaces replaces the spaces of web pages and mail programs by plain ones, and removes those at the end of the
// line.
func plainSpaces(line string) string {
	line = strings.Map(func(c rune) rune {
		if unicode.IsSpace(c) || c == '\u2007' || c == '\u202f' || c == '\u2060' || c == '\ufeff' {
			return ' '
		}
		return c
	}, line)
	return strings.TrimRight(line, " ")
}

type reportReader struct {
	report  *Report
	section *Section
	table   string          // category of the table that the line is in; "": it is in none
	listed  map[string]bool // tests in tables of the section, by label
}

func (r *reportReader) line(line string) error {
	if m := versionLine.FindStringSubmatch(line); m != nil {
		r.report.Version = m[1]
		return nil
	}
	if m := copiesLine.FindStringSubmatch(line); m != nil {
		if err := r.endSection(); err != nil {
			return err
		}
		return r.beginSection(m[1], m[2])
	}
	if m := resultLine.FindStringSubmatch(line); m != nil {
		if r.section == nil {
			return fmt.Errorf("%q comes before the line that says how many copies ran (\"… CPUs in "+
				"system; running …\"): %s", m[1], giveOriginal)
		}
		return r.section.addResult(m)
	}
	if m := tableLine.FindStringSubmatch(line); m != nil {
		return r.beginTable(m[1])
	}
	if r.table == "" {
		return nil
	}
	// Before indexLine, which would take it for a test's.
	if m := scoreLine.FindStringSubmatch(line); m != nil && m[1] == r.table {
		return r.endTable(m[2] != "", m[3])
	}
	if m := indexLine.FindStringSubmatch(line); m != nil {
		return r.addIndex(m)
	}
	return nil
}

func (r *reportReader) beginSection(cpus, copies string) error {
	s := Section{}
	var err error
	if s.CPUs, err = strconv.Atoi(cpus); err != nil {
		return fmt.Errorf("%q is not a number of CPUs", cpus)
	}
	if s.Copies, err = strconv.Atoi(copies); err != nil || s.Copies < 1 {
		return fmt.Errorf("%q is not a number of copies", copies)
	}
	r.report.Sections = append(r.report.Sections, s)
	r.section, r.table, r.listed = &r.report.Sections[len(r.report.Sections)-1], "", map[string]bool{}
	return nil
}

// endSection checks that the section is whole.
func (r *reportReader) endSection() error {
	s := r.section
	switch {
	case s == nil:
	case r.table != "":
		return r.openTable()
	case len(s.Tests) == 0:
		r.report.warn("%s", s.withoutResults(r.report.Version))
	case s.System == 0 && len(s.known()) > 0:
		r.report.warn("the run with %s has no table of indices: whether results are missing cannot "+
			"be checked", s.copies())
	}
	return nil
}

// mostCopies is the largest number of copies that UnixBench 5.1.3 runs. 6.0 has no limit.
const mostCopies = 16

// withoutResults says that a run of a version of UnixBench has no results, and why.
func (s *Section) withoutResults(version string) string {
	why := "it was not finished, or the report was cut, or it had only tests of graphics, which run as one copy"
	switch {
	case s.Copies == 1:
		why = "it was not finished, or the report was cut"
	case s.Copies > mostCopies && !strings.HasPrefix(version, "6."):
		why = fmt.Sprintf("UnixBench 5.1.3 runs at most %d copies of a test", mostCopies)
	}
	return "the run with " + s.copies() + " has no results: " + why
}

func (s *Section) copies() string {
	if s.Copies == 1 {
		return "1 copy"
	}
	return fmt.Sprintf("%d copies", s.Copies)
}

func (s *Section) addResult(m []string) error {
	score, err := parseDecimal(m[2])
	if err != nil {
		return err
	}
	time, err := parseDecimal(m[4])
	if err != nil {
		return err
	}
	samples, err := strconv.Atoi(m[5])
	if err != nil {
		return fmt.Errorf("samples: %w", err)
	}
	if test, ok := byLabel(m[1]); ok && test.Unit != m[3] {
		return fmt.Errorf("%q is in %s, and UnixBench measures it in %s; was it edited?", m[1], m[3], test.Unit)
	}
	s.Tests = append(s.Tests, Imported{Label: m[1], Score: score, Unit: m[3], Time: time, Samples: samples})
	return nil
}

func (r *reportReader) beginTable(category string) error {
	switch {
	case r.section == nil:
		return fmt.Errorf("a table of indices without results: %s", giveOriginal)
	case r.table != "":
		return r.openTable()
	}
	r.table = category
	return nil
}

// openTable returns the error for a table without its last line.
func (r *reportReader) openTable() error {
	return fmt.Errorf("the table of indices for %s does not end in an index score: %s", r.section.copies(),
		giveOriginal)
}

// addIndex takes a row of the table: label, baseline, result and index.
func (r *reportReader) addIndex(m []string) error {
	label := m[1]
	var values [3]float64
	for i, text := range m[2:] {
		v, err := parseDecimal(text)
		if err != nil {
			return err
		}
		values[i] = v
	}
	r.listed[label] = true
	t := r.section.find(label)
	if t == nil {
		return fmt.Errorf("the table lists %q with index %s, but there is no result of it: %s", label, m[4],
			giveOriginal)
	}
	if math.Abs(t.Score-values[1]) > printed {
		return fmt.Errorf("%q: the result is %.1f, the table says %s; was it edited?", label, t.Score, m[3])
	}
	if r.table == systemTests {
		t.Index = values[2]
	}
	return nil
}

// printed is how much two figures may differ that UnixBench prints with one digit after the point.
const printed = 0.1001

// endTable compares the index score of the system tests with that of their results.
func (r *reportReader) endTable(partial bool, text string) (err error) {
	s := r.section
	category := r.table
	r.table = ""
	if category != systemTests {
		return nil
	}
	s.Partial = partial
	if s.System, err = parseDecimal(text); err != nil {
		return err
	}
	scores := s.known()
	for name := range scores {
		if t, _ := byName(name); !r.listed[t.Label] {
			return fmt.Errorf("the table does not list %q, which has a result: %s", t.Label, giveOriginal)
		}
	}
	if _, system, _ := Index(scores); math.Abs(system-s.System) > printed+s.System*1e-3 {
		return fmt.Errorf("the results give an index score of %.1f, the table says %s: %s", system, text,
			giveOriginal)
	}
	return nil
}

// known returns the scores of the tests of the index, by name.
func (s *Section) known() map[string]float64 {
	scores := map[string]float64{}
	for _, t := range s.Tests {
		if test, ok := byLabel(t.Label); ok {
			scores[test.Name] = t.Score
		}
	}
	return scores
}

func (s *Section) find(label string) *Imported {
	for i := range s.Tests {
		if s.Tests[i].Label == label {
			return &s.Tests[i]
		}
	}
	return nil
}
