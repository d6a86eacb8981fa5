package costtable

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/profile"
)

// column is a column of a table whose rows are T.
type column[T any] struct {
	header string
	cell   func(*T) string
}

// dropOrder is the order in which columns are dropped if the table does not fit into the terminal.
var dropOrder = []string{"P50", "P99", "DENIED", "MEAN"}

// rowColumns returns the columns of a table with a row for each cost.
func rowColumns(costs *profile.Costs) []column[profile.Cost] {
	program := programNames(costs.Rows)
	return []column[profile.Cost]{
		{"<WORKLOAD", func(c *profile.Cost) string { return c.Name }},
		{"<SYSCALL", func(c *profile.Cost) string { return c.Syscall }},
		{"<HOOK", func(c *profile.Cost) string { return c.Program.Hook }},
		{"<PROGRAM", program},
		{"<POLICY", func(c *profile.Cost) string { return text.Printable(c.Policy) }},
		{"RULES", func(c *profile.Cost) string { return rules(c.Rules) }},
		{"CALLS", func(c *profile.Cost) string { return text.Thousands(c.Calls) }},
		{"DENIED", func(c *profile.Cost) string { return text.Thousands(c.Denials) }},
		{"MEAN", func(c *profile.Cost) string { return text.Duration(c.Mean()) }},
		{"P50", func(c *profile.Cost) string { return text.Rough(c.Quantile(0.5)) }},
		{"P99", func(c *profile.Cost) string { return text.Rough(c.Quantile(0.99)) }},
		{"TOTAL", func(c *profile.Cost) string { return text.Duration(c.Hook) }},
		{"% OF HOOKS", func(c *profile.Cost) string { return text.Percent(costs.Share(c) / 100) }},
	}
}

// fitted omits the dropped columns, and then those that do not fit into a terminal of this width. Width 0 fits
// everything.
func fitted[T any](columns []column[T], rows []T, dropped []string, width int) *text.Table {
	drop := func(headers ...string) {
		columns = slices.DeleteFunc(columns, func(c column[T]) bool {
			return slices.Contains(headers,
				c.header)
		})
	}
	drop(dropped...)
	for drops := dropOrder; ; drops = drops[1:] {
		t := &text.Table{}
		t.Fit(width)
		for _, c := range columns {
			t.Header = append(t.Header, c.header)
		}
		for i := range rows {
			var cells []string
			for _, c := range columns {
				cells = append(cells, c.cell(&rows[i]))
			}
			t.Add(cells...)
		}
		header, _, _ := strings.Cut(t.String(), "\n")
		if width == 0 || text.Width(header) <= width || len(drops) == 0 {
			return t
		}
		drop(drops[0])
	}
}

// programNames returns a function that names the program of a row: with its id if another one has that name, as an
// enforcer's programs have before and after an upgrade.
func programNames(rows []profile.Cost) func(*profile.Cost) string {
	ids, shared := map[string]uint32{}, map[string]bool{}
	for i := range rows {
		p := rows[i].Program
		if id, ok := ids[p.Name]; ok && id != p.ID {
			shared[p.Name] = true
		}
		ids[p.Name] = p.ID
	}
	return func(c *profile.Cost) string {
		if shared[c.Program.Name] && c.Program.ID != 0 {
			return fmt.Sprintf("%s#%d", c.Program.Name, c.Program.ID)
		}
		return cmp.Or(c.Program.Name, "(all)")
	}
}

// severalPrograms reports whether some hook has more than one program.
func severalPrograms(rows []profile.Cost) bool {
	type program struct {
		name string
		id   uint32
	}
	byHook := map[string]program{}
	for i := range rows {
		p := program{rows[i].Program.Name, rows[i].Program.ID}
		if other, ok := byHook[rows[i].Program.Hook]; ok && other != p {
			return true
		}
		byHook[rows[i].Program.Hook] = p
	}
	return false
}

func rules(n int) string {
	if n == profile.RulesUnknown {
		return "?"
	}
	return strconv.Itoa(n)
}
