// Package costtable prints the costs in a profile for people: a headline, the most expensive rows, and how good the
// numbers are.
package costtable

import (
	"cmp"
	"fmt"
	"io"
	"slices"
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
