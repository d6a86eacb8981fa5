package report

import (
	"fmt"
	"io"

	"github.com/lsmprof/lsmprof/internal/text"
)

// WriteText writes the report for a terminal.
func (r *HistoryReport) WriteText(w io.Writer) error {
	return tablesText{r.Title, r.Answer, r.shown(), r.Missing, r.Method(), r.Facts}.write(w)
}

// Method says how the report finds changes.
func (r *HistoryReport) Method() string {
	if len(r.Series) == 0 {
		return "Change points are found with E-divisive means."
	}
	return fmt.Sprintf("Change points are found with E-divisive means (Matteson and James) and a permutation "+
		"test at "+
		"level 0.05, divided by the number of series: %.2g. A history in which nothing changes shows a "+
		"change in at most "+
		"one of 20 cases, if the order of its points is random. With %d series, each needs at "+
		"least %d values, %d of them after "+
		"the change.", r.Alpha, len(r.Series), r.Least, 3)
}

// shown returns the tables as a page or a text shows them: changes, and series without one.
func (r *HistoryReport) shown() []shownTable {
	changes := shownTable{By: "change", Header: []string{
		"series", "since", "date", "before", "after", "p", "changed there, too",
	}}
	still := shownTable{By: "series", Header: []string{"unchanged", "values", "first", "median", "last"}}
	for i := range r.Series {
		s := &r.Series[i]
		for j := range s.Changes {
			c := &s.Changes[j]
			also := none
			if len(c.Also) > 0 {
				also = text.List(c.Also)
			}
			changes.Rows = append(changes.Rows, []string{
				s.Name, r.Points[c.Point].Name, r.Points[c.Point].Start.Format("2006-01-02"),
				s.format(c.Before),
				s.format(c.After), fmt.Sprintf("%.2g", c.P), also,
			})
		}
		if xs := s.known(); len(s.Changes) == 0 && len(xs) > 0 {
			still.Rows = append(still.Rows, []string{
				s.Name, text.Thousands(len(xs)), s.format(xs[0]), s.format(medianOr1(xs)),
				s.format(xs[len(xs)-1]),
			})
		}
	}
	var out []shownTable
	for _, t := range []shownTable{changes, still} {
		if len(t.Rows) == 0 {
			continue
		}
		t.More = max(0, len(t.Rows)-mostProfileRows)
		t.Rows = t.Rows[:len(t.Rows)-t.More]
		out = append(out, t)
	}
	return out
}

// known returns the values of the series that there are.
func (s *HistorySeries) known() (xs []float64) {
	for _, v := range s.Values {
		if v != nil {
			xs = append(xs, *v)
		}
	}
	return xs
}
