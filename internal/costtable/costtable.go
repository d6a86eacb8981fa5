// Package costtable prints the costs in a profile for people: a headline, the most expensive rows, and how good the
// numbers are.
package costtable

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/profile"
)

// Table prints costs. It is not safe for concurrent use.
type Table struct {
	Costs     *profile.Costs
	By        string // of GroupingNames; "": a row for each workload, syscall, hook, program and number of rules
	Sort      string // one of Orders; "": the first
	Rows      int    // at most; 0: all
	Width     int    // of the terminal; 0: lines may be of any width
	Verbose   bool   // print every fact and warning
	Selection string // which calls were measured; "": all
	// Advice returns the text of a warning, with what the user can do about it. Nil prints the text alone.
	Advice func(profile.Warning) string
}

// Write prints the table to w.
func (t *Table) Write(w io.Writer) error {
	const indent = "  "
	wrapped := func(s string) {
		fmt.Fprintln(w, text.Wrap(text.Printable(s), max(0, t.Width-len(indent)), indent))
	}
	wrapped(t.headline())
	if s := Idle(t.Costs.Enforcers()); s != "" {
		wrapped(s)
	}
	if err := t.writeRows(w); err != nil {
		return err
	}
	if err := t.writeLines(w); err != nil {
		return err
	}
	if err := t.writeEachRule(w); err != nil {
		return err
	}
	if err := writeCrossCheck(w, t.Costs); err != nil {
		return err
	}
	_, err := io.WriteString(w, t.quality())
	return err
}

// writeRows prints the rows that are wanted.
func (t *Table) writeRows(w io.Writer) error {
	if len(t.Costs.Rows) == 0 {
		return nil
	}
	var table *text.Table
	more := 0
	if groups := t.grouped(); groups != nil {
		groups, more = first(groups, t.Rows)
		table = fitted(t.groupColumns(), groups, t.dropped(), t.Width)
	} else {
		rows := slices.Clone(t.Costs.Rows)
		sortRows(rows, t.Sort)
		rows, more = first(rows, t.Rows)
		table = fitted(rowColumns(t.Costs), rows, t.dropped(), t.Width)
	}
	if err := table.Print(w); err != nil {
		return err
	}
	if more > 0 {
		fmt.Fprintf(w, "… and %s\n", text.Plural(more, "more row"))
	}
	if slices.Contains(table.Header, "P99") {
		fmt.Fprintln(w, "P50, P99: from a histogram, at most 25 % off up to 64 µs, mostly less than 5 %")
	}
	return nil
}

// first returns the first n rows and the number of the others; 0 returns all.
func first[T any](rows []T, n int) ([]T, int) {
	if n == 0 || len(rows) <= n {
		return rows, 0
	}
	return rows[:n], len(rows) - n
}

// dropped names the columns that would say nothing: PROGRAM if no hook has two programs, DENIED if no call was
// denied, POLICY if no row has one.
func (t *Table) dropped() []string {
	var out []string
	if !severalPrograms(t.Costs.Rows) {
		out = append(out, "<PROGRAM")
	}
	if !slices.ContainsFunc(t.Costs.Rows, func(c profile.Cost) bool { return c.Denials > 0 }) {
		out = append(out, "DENIED")
	}
	if !slices.ContainsFunc(t.Costs.Rows, func(c profile.Cost) bool { return c.Policy != "" }) {
		out = append(out, "<POLICY")
	}
	return out
}

// headline returns `hooks took 5.30 ms in 0.41 s: 1.30 % of one CPU, 5,890 calls/s, 3 denied (vArmor, 14 programs;
// 100 % timed)`.
func (t *Table) headline() string {
	s := t.Costs.Snapshot()
	var denied uint64
	for i := range t.Costs.Rows {
		denied += t.Costs.Rows[i].Denials
	}
	total := s.Total()
	rate, share := 0.0, 0.0
	if s.Duration > 0 {
		rate, share = float64(total.Calls())/s.Duration.Seconds(), t.Costs.Hook/float64(s.Duration)
	}
	about := []string{Enforcers(s.Programs), timedText(total.Completeness())}
	if t.Selection != "" {
		about = append(about, "only "+t.Selection)
	}
	if s.Sample > 1 {
		about = append(about, fmt.Sprintf("estimated from 1 call in %s", text.Thousands(s.Sample)))
	}
	return fmt.Sprintf("hooks took %s in %s: %s of one CPU, %s calls/s, %s denied (%s)",
		text.Duration(t.Costs.Hook), text.Duration(float64(s.Duration)), text.Percent(share),
		text.Thousands(uint64(rate+0.5)), text.Thousands(denied), strings.Join(about, "; "))
}

// Enforcers lists the owners of programs, in the order of the programs: `vArmor, 14 programs; Tetragon, 1 program`.
func Enforcers(programs []profile.Program) string {
	var names []string
	count, nouns := map[string]int{}, map[string]string{}
	for _, p := range programs {
		if count[p.Enforcer]++; count[p.Enforcer] == 1 {
			names, nouns[p.Enforcer] = append(names, p.Enforcer), p.Scope.String()
		}
		if p.Scope == profile.ScopeHook {
			nouns[p.Enforcer] = p.Scope.String()
		}
	}
	for i, name := range names {
		names[i] = fmt.Sprintf("%s, %s", text.Enforcer(name), text.Plural(count[name], nouns[name]))
	}
	return cmp.Or(strings.Join(names, "; "), "no programs")
}

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
