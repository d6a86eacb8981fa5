package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/lsmprof/lsmprof/internal/text"
)

// WriteText writes the report for a terminal.
func (r *FleetReport) WriteText(w io.Writer) error {
	var b strings.Builder
	b.WriteString(r.Title + "\n\n" + strings.Join(r.Answer, "\n") + "\n")
	for _, t := range r.shown() {
		table := text.Table{}
		for i, h := range t.Header {
			if i == 0 || h == "differs" || h == "most on" {
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
	if len(r.Missing) > 0 {
		b.WriteString("\nCould not be read:\n")
	}
	for _, m := range r.Missing {
		fmt.Fprintf(&b, "%s: %s\n", m.Source, m.Error)
	}
	b.WriteString("\n" + r.Method() + "\n")
	for _, f := range r.Facts {
		b.WriteString(f + "\n")
	}
	_, err := io.WriteString(w, printableLines(b.String()))
	return err
}

// Method says how the report finds the nodes that differ.
func (r *FleetReport) Method() string {
	if r.Limit == nil {
		return "Nodes are compared from 5 on."
	}
	return fmt.Sprintf("A node differs if the logarithm of its calls per second, of the mean cost of a call or "+
		"of the "+
		"cost of the same calls has a modified z score (Iglewicz and Hoaglin) above %.1f, and the value is "+
		"10 %% "+
		"off. Like nodes exceed this limit in one report of 20.", *r.Limit)
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
