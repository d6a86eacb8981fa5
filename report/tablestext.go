package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/lsmprof/lsmprof/internal/text"
)

// tablesText is a report on many sources, a fleet or a history, for a terminal.
type tablesText struct {
	title   string
	answer  []string
	tables  []shownTable
	missing []FleetMissing
	method  string
	facts   []string
}

func (r tablesText) write(w io.Writer) error {
	var b strings.Builder
	b.WriteString(r.title + "\n\n" + strings.Join(r.answer, "\n") + "\n")
	for _, t := range r.tables {
		table := text.Table{}
		for i, h := range t.Header {
			if i == 0 || isWords(h) {
				h = "<" + h
			}
			table.Header = append(table.Header, strings.ToUpper(h))
		}
		for _, row := range t.Rows {
			table.Add(row...)
		}
		b.WriteString("\n" + table.String())
		if t.More > 0 {
			fmt.Fprintf(&b, "… and %s\n", text.Plural(t.More, "more row"))
		}
	}
	if len(r.missing) > 0 {
		b.WriteString("\nLeft out:\n")
	}
	for _, m := range r.missing {
		fmt.Fprintf(&b, "%s: %s\n", m.Source, m.Error)
	}
	b.WriteString("\n" + r.method + "\n")
	for _, f := range r.facts {
		b.WriteString(f + "\n")
	}
	_, err := io.WriteString(w, text.PrintableLines(b.String()))
	return err
}

// isWords reports whether the column of a header holds words instead of figures.
func isWords(header string) bool {
	switch header {
	case "differs", "most on", "since", "changed there, too":
		return true
	}
	return false
}
