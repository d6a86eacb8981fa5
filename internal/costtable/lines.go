package costtable

import (
	"fmt"
	"io"
	"path"
	"strconv"

	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/profile"
)

const (
	linesOfProgram = 8    // that are shown
	helpersOfLine  = 4    // that are shown
	leastHelper    = 0.02 // share of the program that a helper needs to be shown
	indent         = "  "
)

// writeLines prints the most expensive lines of each program, if the insides of programs were sampled.
func (t *Table) writeLines(w io.Writer) error {
	if t.Costs.Snapshot().Inside == nil {
		return nil
	}
	programs := t.Costs.Lines(nil)
	if len(programs) == 0 {
		_, err := fmt.Fprintln(w, "\nlines: no sample was taken in a program: record longer, or with more "+
			"samples per second")
		return err
	}
	few := 0
	for i := range programs {
		p := &programs[i]
		if p.Few() && i > 0 {
			few++ // the first is shown, with what it lacks
			continue
		}
		title := text.Printable(LinesTitle(p))
		if p.Few() {
			title += ". Record longer, or with more samples per second"
		}
		fmt.Fprintf(w, "\n%s\n", text.Wrap(title, max(0, t.Width-len(indent)), indent))
		if p.Few() {
			continue
		}
		table, more := LineTable(p, t.rowsOf(linesOfProgram), t.Width)
		if err := table.Print(w); err != nil {
			return err
		}
		if more > 0 {
			fmt.Fprintf(w, "… and %s\n", text.Plural(more, "more line"))
		}
	}
	if few > 0 {
		fmt.Fprintf(w, "\n%s with fewer than %d samples left out\n", text.Plural(few, "program"),
			profile.LeastSamples)
	}
	return nil
}

// rowsOf returns usual, or 0 for all rows if the table has all.
func (t *Table) rowsOf(usual int) int {
	if t.Rows == 0 {
		return 0
	}
	return usual
}

// LinesTitle says what the lines of a program are divided from: `lines of ref_file_open (file_open): 3.98 µs per call,
// 1,388 samples`.
func LinesTitle(p *profile.ProgramLines) string {
	s := fmt.Sprintf("lines of %s (%s): ", p.Program, p.Hook)
	if p.Divided {
		s += "about "
	}
	s += fmt.Sprintf("%s per call, %s", text.Duration(p.PerCall(p.Body)), text.Plural(p.Samples, "sample"))
	if p.Divided {
		s += "; its hook was measured as a whole, and divided among its programs by the samples"
	}
	if p.Few() {
		s += fmt.Sprintf(", too few to tell lines apart: it takes %d", profile.LeastSamples)
	}
	if p.Without != "" {
		s += ". Functions instead of lines: " + p.Without
	}
	return s
}

// LineTable returns the most expensive lines of a program with their helpers, at most rows of them (0: all), and the
// number of those left out. Width is that of the terminal; 0: any.
func LineTable(p *profile.ProgramLines, rows, width int) (t *text.Table, more int) {
	lines := p.Lines
	if rows > 0 && len(lines) > rows {
		more, lines = len(lines)-rows, lines[:rows]
	}
	t = &text.Table{Header: []string{"PER CALL", "SHARE", "95 %", "<WHERE", "<CODE"}}
	t.Fit(width)
	for i := range lines {
		l := &lines[i]
		t.Add(text.Duration(p.PerCall(l.Body)), text.Percent(p.Share(l.Body)),
			text.Digits(100*p.Share(l.Low))+"–"+text.Digits(100*p.Share(l.High)), place(l.Code),
			profile.CodeOf(l.Text))
		for j, h := range l.Helpers {
			if j == helpersOfLine || p.Share(h.Body) < leastHelper {
				break
			}
			t.Add(text.Duration(p.PerCall(h.Body)), text.Percent(p.Share(h.Body)), "", "  "+h.Function, "")
		}
	}
	return t, more
}

// place returns the file and the line or, without them, the function.
func place(c profile.Code) string {
	if c.File == "" {
		return c.Function
	}
	return path.Base(c.File) + ":" + strconv.Itoa(c.Line)
}
