package costtable

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/profile"
)

// writeEachRule prints what each rule cost, the most expensive walk first, and what follows from it.
func (t *Table) writeEachRule(w io.Writer) error {
	e := t.Costs.Snapshot().EachRule
	if e == nil {
		return nil
	}
	costs := e.Costs()
	if len(costs) > 0 {
		fmt.Fprintf(w, "\neach rule, in a separate pass (%v): %s\n", e.Duration.Round(time.Millisecond),
			ruleHeadline(e, costs))
		table, more := ruleTable(costs, t.Rows)
		table.Fit(t.Width)
		if err := table.Print(w); err != nil {
			return err
		}
		if more > 0 {
			fmt.Fprintf(w, "… and %s\n", text.Plural(more, "more row"))
		}
	}
	for _, u := range e.Untimed {
		fmt.Fprintf(w, "\n%s of %s (%s) have no times: %s\n", text.Plural(len(u.Rules), u.Kind+" rule"),
			u.Program.Name, text.Printable(u.Workload.Name()), u.Reason)
		for i, rule := range u.Rules {
			fmt.Fprintf(w, "  %d  %s\n", i, text.Printable(rule))
		}
	}
	const indent = "  "
	findings := e.Findings()
	if len(findings) > 0 {
		fmt.Fprintln(w, "\nfindings, which are advice:")
	}
	for _, f := range findings {
		fmt.Fprintln(w, text.Wrap("- "+text.Printable(f.Text), max(0, t.Width-len(indent)), indent))
	}
	if e.Missed+e.Lost > 0 {
		fmt.Fprintf(w, "not counted: %s that no probe saw, %s without memory\n",
			text.Plural(e.Missed, "look"), text.Plural(e.Lost, "look"))
	}
	return nil
}

// ruleHeadline returns `880 looks at 8 rules took 192 µs`.
func ruleHeadline(e *profile.EachRule, costs []profile.RuleCost) string {
	var looks uint64
	var total float64
	for _, c := range costs {
		looks += c.Looks
		total += c.Total
	}
	return fmt.Sprintf("%s took %s; a reading has a bias of %s (subtracted), and a walk takes %s to get from "+
		"rule to rule (added)", text.Plural(looks, "look"), text.Duration(total),
		text.Duration(e.Calibration.Bias.Value),
		text.Duration(e.Calibration.Step.Value))
}

// ruleTable returns the rows, and how many more there are. The walks are sorted by their time, and the rules of a walk
// by index.
func ruleTable(costs []profile.RuleCost, rows int) (*text.Table, int) {
	walk := func(c *profile.RuleCost) string {
		return fmt.Sprint(c.Workload.MntNS, c.Program.ID, c.Function)
	}
	byWalk := map[string]float64{}
	var total float64
	for i := range costs {
		byWalk[walk(&costs[i])] += costs[i].Total
		total += costs[i].Total
	}
	sorted := slices.Clone(costs)
	slices.SortStableFunc(sorted, func(a, b profile.RuleCost) int {
		return cmp.Or(cmp.Compare(byWalk[walk(&b)], byWalk[walk(&a)]), cmp.Compare(walk(&a), walk(&b)))
	})
	more := 0
	if rows > 0 && len(sorted) > rows {
		more, sorted = len(sorted)-rows, sorted[:rows]
	}
	table := &text.Table{Header: []string{
		"<WORKLOAD", "<PROGRAM", "RULE", "LOOKS", "MATCHES", "MEAN", "TOTAL", "% OF RULES", "<TEXT",
	}}
	for _, c := range sorted {
		rule, what := strconv.Itoa(c.Rule), c.Text
		matches, mean := text.Thousands(c.Matches), text.Duration(c.Mean)
		switch {
		case c.PastEnd:
			rule, what, matches = "end", "(looks for a rule after the last)", ""
		case what == "":
			what = "(unknown)"
		}
		if c.Looks == 0 {
			mean = ""
		}
		share := 0.0
		if total > 0 {
			share = c.Total / total
		}
		table.Add(text.Printable(c.Workload.Name()), c.Program.Name, rule, text.Thousands(c.Looks), matches,
			mean,
			text.Duration(c.Total), text.Percent(share), strings.TrimSpace(text.Printable(what)))
	}
	return table, more
}
