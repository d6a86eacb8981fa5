package report

import (
	"fmt"
	"io"

	"github.com/lsmprof/lsmprof/internal/text"
)

// WriteText writes the report for a terminal.
func (r *FleetReport) WriteText(w io.Writer) error {
	return tablesText{r.Title, r.Answer, r.shown(), r.Missing, r.Method(), r.Facts}.write(w)
}

// Method says how the report finds the nodes that differ.
func (r *FleetReport) Method() string {
	if r.Limit == nil {
		return "Nodes are compared if there are at least 5."
	}
	return fmt.Sprintf("A node differs if the logarithm of its calls per second, of the mean cost of a call or "+
		"of the "+
		"cost of the same calls has a modified z score (Iglewicz and Hoaglin) above %.1f, and the value is "+
		"10 %% "+
		"off. Equal nodes exceed this limit in one report of 20.", *r.Limit)
}

// shown returns the tables as a page or a text shows them: nodes first.
func (r *FleetReport) shown() []shownTable {
	nodes := shownTable{
		By: "node", Header: []string{
			"node", "calls/s", "denied", "mean", "of one CPU", "same calls",
			"differs",
		},
		More: max(0, len(r.Nodes)-mostProfileRows),
	}
	for i := range r.Nodes[:len(r.Nodes)-nodes.More] {
		n := &r.Nodes[i]
		nodes.Rows = append(nodes.Rows, []string{
			n.Name, rateText(&n.ProfileCost), text.Thousands(uint64(n.Denials)), meanText(&n.ProfileCost),
			text.Percent(n.Share), n.relativeText(), n.Why(),
		})
	}
	out := []shownTable{nodes}
	if len(r.Nodes) == 0 {
		out = nil
	}
	for _, t := range r.Tables {
		table := shownTable{
			By: t.By, Header: []string{
				t.By, "nodes", "calls", "denied", "mean", "median/s", "p90/s", "max/s", "most on",
			},
			More: max(0, len(t.Rows)-mostProfileRows),
		}
		for i := range t.Rows[:len(t.Rows)-table.More] {
			row := &t.Rows[i]
			s := &row.Share
			table.Rows = append(table.Rows, []string{
				row.Name, text.Thousands(row.Nodes), text.Thousands(uint64(row.Calls)),
				text.Thousands(uint64(row.Denials)), meanText(&row.ProfileCost), perSecond(s.Median),
				perSecond(s.P90), perSecond(s.Max), s.Most,
			})
		}
		out = append(out, table)
	}
	return out
}

// perSecond formats a share of one CPU as a time per second.
func perSecond(share float64) string { return text.Duration(1e9 * share) }
