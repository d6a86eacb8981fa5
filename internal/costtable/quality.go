package costtable

import (
	"fmt"
	"strings"

	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/profile"
)

// timedText returns `100 % timed` if every call was timed, else `99.31 % timed`, which never rounds to 100 %.
func timedText(completeness float64) string {
	if completeness == 100 {
		return "100 % timed"
	}
	return fmt.Sprintf("%.2f %% timed", min(completeness, 99.99))
}

// quality says how good the numbers are. Unless Verbose is set, one line about accuracy replaces the warnings about the
// calibration.
func (t *Table) quality() string {
	var b strings.Builder
	line := func(s string) { b.WriteString(text.Printable(s) + "\n") }
	b.WriteString("\n")
	folded := 0
	var warnings []profile.Warning
	for _, warning := range t.Costs.Warnings() {
		switch warning.Kind {
		case profile.WarnCalibration, profile.WarnNotCalibrated:
			if !t.Verbose {
				folded++
				continue
			}
		}
		warnings = append(warnings, warning)
	}
	line("accuracy: " + t.accuracy(folded))
	s := t.Costs.Snapshot()
	if s.OwnCalls > 0 && !t.Verbose {
		line("left out: " + text.Plural(s.OwnCalls, "call") + " of lsmprof itself; --self shows them")
	}
	if t.Verbose {
		for _, fact := range s.Facts() {
			line(fact)
		}
	}
	for _, warning := range warnings {
		line("warning: " + t.advice(warning))
	}
	return b.String()
}

func (t *Table) advice(w profile.Warning) string {
	if t.Advice == nil {
		return w.Text
	}
	return t.Advice(w)
}

// accuracy returns `±2 ns per call`. folded is the number of warnings about the calibration that this line replaces.
func (t *Table) accuracy(folded int) string {
	s := t.Costs.Snapshot()
	c := s.Calibration
	switch {
	case c.Runs == 0:
		return "not calibrated; times are readings, with the cost of the probes and without the dispatch"
	case !c.Applies():
		return "the machine was too busy to calibrate; times are readings of the probes; -v says more"
	}
	line := fmt.Sprintf("±%s per call", text.Duration(c.ErrorOf(s.Programs)))
	if folded > 0 {
		line += ", the machine was busy during calibration; -v says more"
	}
	return line
}
