package costtable

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/profile"
)

// noPod is the group of the workloads outside of pods.
const noPod = "(no pod)"

// Grouping is what a row of a table can stand for.
type Grouping struct {
	Name string
	Of   func(*profile.Cost) string // the name of the row that a cost belongs to
}

// Groupings returns all groupings. Each of the first four is a part of the one before it.
func Groupings() [7]Grouping {
	return [...]Grouping{
		{"workload", func(c *profile.Cost) string { return c.Name }},
		{"syscall", func(c *profile.Cost) string { return c.Syscall }},
		{"hook", func(c *profile.Cost) string { return c.Program.Hook }},
		{"program", func(c *profile.Cost) string { return c.Program.Label() }},
		{"enforcer", func(c *profile.Cost) string { return text.Enforcer(c.Program.Enforcer) }},
		{"pod", podOf},
		{"rules", func(c *profile.Cost) string { return rules(c.Rules) }},
	}
}

// GroupingNames returns the names of all groupings.
func GroupingNames() []string {
	var names []string
	for _, g := range Groupings() {
		names = append(names, g.Name)
	}
	return names
}

func podOf(c *profile.Cost) string {
	if c.Workload.Pod == "" {
		return noPod
	}
	return text.Printable(strings.TrimPrefix(c.Workload.Namespace+"/"+c.Workload.Pod, "/"))
}

// figures are what rows and groups are sorted by.
type figures struct {
	name           string
	total          float64 // ns
	calls, denials uint64
	mean, p99      func() float64
}

// orders are the values of Table.Sort. Numbers are sorted from the largest down, names from A.
var orders = []struct {
	name    string
	compare func(a, b *figures) int
}{
	{"total", func(a, b *figures) int { return cmp.Compare(b.total, a.total) }},
	{"calls", func(a, b *figures) int { return cmp.Compare(b.calls, a.calls) }},
	{"mean", func(a, b *figures) int { return cmp.Compare(b.mean(), a.mean()) }},
	{"p99", func(a, b *figures) int { return cmp.Compare(b.p99(), a.p99()) }},
	{"denied", func(a, b *figures) int { return cmp.Compare(b.denials, a.denials) }},
	{"name", func(a, b *figures) int { return strings.Compare(a.name, b.name) }},
}

// Orders returns the values of Table.Sort.
func Orders() []string {
	names := make([]string, 0, len(orders))
	for _, o := range orders {
		names = append(names, o.name)
	}
	return names
}

// order returns how to compare rows. An unknown name is the first order, by total.
func order(name string) func(a, b *figures) int {
	for _, o := range orders {
		if o.name == name {
			return o.compare
		}
	}
	return orders[0].compare
}

// sortRows sorts the rows of the ungrouped table.
func sortRows(rows []profile.Cost, by string) {
	compare := order(by)
	slices.SortStableFunc(rows, func(a, b profile.Cost) int { return compare(ofRow(&a), ofRow(&b)) })
}

func ofRow(c *profile.Cost) *figures {
	return &figures{
		c.Name, c.Hook, c.Calls, c.Denials, c.Mean, func() float64 { return c.Quantile(0.99) },
	}
}

// grouped returns the groups of the table, sorted, or nil if it has a row for each cost.
func (t *Table) grouped() []profile.Group {
	i := slices.Index(GroupingNames(), t.By)
	if i < 0 {
		return nil
	}
	groups := t.Costs.Groups(Groupings()[i].Of)
	compare := order(t.Sort)
	slices.SortStableFunc(groups, func(a, b profile.Group) int { return compare(ofGroup(&a), ofGroup(&b)) })
	return groups
}

func ofGroup(g *profile.Group) *figures {
	return &figures{g.Name, g.Hook, g.Calls, g.Denials, g.Mean, func() float64 { return g.Quantile(0.99) }}
}

// groupColumns returns the columns of a table of groups.
func (t *Table) groupColumns() []column[profile.Group] {
	columns := []column[profile.Group]{
		{"<" + strings.ToUpper(t.By), func(g *profile.Group) string { return g.Name }},
		{"RULES", func(g *profile.Group) string { return RuleRange(g.Rules) }},
		{"CALLS", func(g *profile.Group) string { return text.Thousands(g.Calls) }},
		{"DENIED", func(g *profile.Group) string { return text.Thousands(g.Denials) }},
		{"MEAN", func(g *profile.Group) string { return text.Duration(g.Mean()) }},
		{"P50", func(g *profile.Group) string { return text.Rough(g.Quantile(0.5)) }},
		{"P99", func(g *profile.Group) string { return text.Rough(g.Quantile(0.99)) }},
		{"TOTAL", func(g *profile.Group) string { return text.Duration(g.Hook) }},
		{"% OF HOOKS", func(g *profile.Group) string { return text.Percent(share(g.Hook, t.Costs.Hook)) }},
	}
	if t.By == "rules" { // the name says it
		columns = slices.Delete(columns, 1, 2)
		columns[0].header = strings.TrimPrefix(columns[0].header, "<")
	}
	return columns
}

func share(part, whole float64) float64 {
	if whole == 0 {
		return 0
	}
	return part / whole
}

// RuleRange returns the least and the greatest of several rule counts: 0-8. A question mark stands for unknown ones.
func RuleRange(counts []int) string {
	known, mark := counts, ""
	if len(known) > 0 && known[0] == profile.RulesUnknown {
		known, mark = known[1:], "?"
	}
	switch len(known) {
	case 0:
		return mark
	case 1:
		return strconv.Itoa(known[0]) + mark
	}
	return strconv.Itoa(known[0]) + "-" + strconv.Itoa(known[len(known)-1]) + mark
}
