package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/lsmprof/lsmprof/internal/text"
)

// WriteBrief writes what fits on the screen of a terminal with this many columns: the answer, and the losses of each
// test in a row. Scenarios whose columns do not fit are left out, the first ones first. WriteText has all figures.
func (r *Report) WriteBrief(w io.Writer, width int) error {
	v := newView(r)
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s\n\n", r.Title, v.Meta())
	for _, s := range r.Answer {
		b.WriteString(s + "\n")
	}
	if t := v.briefTable(width); t.Len() > 0 {
		fmt.Fprintf(&b, "\n%s~ may be noise; losses are relative to %s", t, v.Baseline)
		if s := v.Units(); s != "" {
			b.WriteString("; " + s)
		}
		b.WriteString("\n")
	}
	for _, w := range v.Warnings {
		b.WriteString("warning: " + w + "\n")
	}
	_, err := io.WriteString(w, text.PrintableLines(text.WrapProse(b.String(), width)))
	return err
}

func (v *view) briefTable(width int) *text.Table {
	t := &text.Table{Header: []string{"<LOSS OF", "BASELINE"}}
	for _, s := range v.Scenarios {
		if !s.Baseline {
			name := text.Printable(s.Name)
			t.Header, t.Drop = append(t.Header, name), append(t.Drop, name)
		}
	}
	t.Drop = t.Drop[:max(0, len(t.Drop)-1)]
	t.Fit(width)
	for _, test := range v.Scored() {
		row := []string{test.Label, ""}
		if b := test.base(); b != nil {
			row[1] = strings.TrimSpace(text.Number(b.Median) + " " + test.Unit)
		}
		for _, c := range v.Under(test) {
			switch {
			case c == nil:
				row = append(row, none)
			case c.absurd():
				row = append(row, "cannot tell")
			default:
				row = append(row, maybe(c.Significant)+fixed(c.Loss)+" %")
			}
		}
		t.Add(row...)
	}
	return t
}
