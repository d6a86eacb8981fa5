package cli

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/profile"
)

// writeTable prints what a recording measured, the most expensive rows first; top limits their number, 0 does not.
func writeTable(w io.Writer, costs *profile.Costs, top int) error {
	rows := slices.Clone(costs.Rows)
	slices.SortStableFunc(rows, func(a, b profile.Cost) int { return cmp.Compare(b.Hook, a.Hook) })
	more := 0
	if top > 0 && len(rows) > top {
		more, rows = len(rows)-top, rows[:top]
	}
	if err := costTable(costs, rows).Print(w); err != nil {
		return err
	}
	if more > 0 {
		fmt.Fprintf(w, "… and %d more rows\n", more)
	}
	if len(rows) > 0 {
		fmt.Fprintln(w, "P50, P99: from a histogram, at most 25 % off, mostly less than 5 %")
	}
	if err := writeCrossCheck(w, costs); err != nil {
		return err
	}
	fmt.Fprintln(w)
	for _, line := range costs.Snapshot().Facts() {
		fmt.Fprintln(w, text.Printable(line))
	}
	for _, warning := range costs.Warnings() {
		fmt.Fprintln(w, "warning: "+text.Printable(advised(warning)))
	}
	return nil
}

// costTable leaves out the columns that would say nothing: programs where no hook has two, denials where nothing was denied.
func costTable(costs *profile.Costs, rows []profile.Cost) *text.Table {
	programs, denials := severalPrograms(costs.Rows), false
	for i := range costs.Rows {
		denials = denials || costs.Rows[i].Denials > 0
	}
	columns := func(program, denied string, before, after []string) []string {
		if programs {
			before = append(before, program)
		}
		if denials {
			after = append([]string{after[0], after[1], denied}, after[2:]...)
		}
		return append(before, after...)
	}
	t := &text.Table{Header: columns("<PROGRAM", "DENIED",
		[]string{"<WORKLOAD", "<SYSCALL", "<HOOK"}, []string{"RULES", "CALLS", "MEAN", "P50", "P99", "TOTAL", "SHARE"})}
	for i := range rows {
		c := &rows[i]
		t.Add(columns(cmp.Or(c.Program.Name, "(all)"), text.Thousands(c.Denials),
			[]string{c.Name, c.Syscall, c.Program.Hook},
			[]string{
				rules(c.Rules), text.Thousands(c.Calls), text.Duration(c.Mean()),
				text.Rough(c.Quantile(0.5)), text.Rough(c.Quantile(0.99)), text.Duration(c.Hook), text.Percent(costs.Share(c) / 100),
			})...)
	}
	return t
}

// severalPrograms says whether some hook has more than one program.
func severalPrograms(rows []profile.Cost) bool {
	byHook := map[string]string{}
	for i := range rows {
		p := rows[i].Program
		if name, ok := byHook[p.Hook]; ok && name != p.Name {
			return true
		}
		byHook[p.Hook] = p.Name
	}
	return false
}

func rules(n int) string {
	if n == profile.RulesUnknown {
		return "unknown"
	}
	return strconv.Itoa(n)
}
