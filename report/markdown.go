package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/lsmprof/lsmprof/internal/text"
)

// WriteMarkdown writes the report in GitHub's Markdown, as short as fits into an issue or a pull request.
func (r *Report) WriteMarkdown(w io.Writer) error {
	m := &markdown{view: newView(r)}
	m.line("# %s", md(r.Title))
	m.line("")
	m.line("%s", md(m.Meta()))
	m.line("")
	for _, s := range r.Answer {
		m.line("- %s", md(s))
	}
	if r.Comparison != nil {
		m.changes(r.Comparison)
	}
	m.compared()
	m.scores()
	m.explained()
	m.hooks()
	m.rules()
	if err := m.forecast(); err != nil {
		return err
	}
	m.sideBySide()
	m.how()
	_, err := io.WriteString(w, m.String())
	return err
}

type markdown struct {
	strings.Builder
	*view
}

func (m *markdown) line(format string, args ...any) { fmt.Fprintf(m, format+"\n", args...) }

// table begins a table. Columns whose header begins with "<" are aligned to the left.
func (m *markdown) table(header ...string) {
	m.line("")
	marks := make([]string, len(header))
	for i, h := range header {
		left := strings.HasPrefix(h, "<")
		header[i] = md(strings.TrimPrefix(h, "<"))
		marks[i] = map[bool]string{true: ":--", false: "--:"}[left]
	}
	m.line("| %s |", strings.Join(header, " | "))
	m.line("| %s |", strings.Join(marks, " | "))
}

func (m *markdown) row(cells ...string) {
	for i := range cells {
		cells[i] = md(cells[i])
	}
	m.line("| %s |", strings.Join(cells, " | "))
}

// md escapes what Markdown or GitHub would take for markup.
func md(s string) string {
	var b strings.Builder
	for _, c := range text.Printable(s) {
		switch c {
		case '\\', '`', '*', '_', '[', ']', '<', '>', '|', '#', '~', '@', '&':
			b.WriteByte('\\')
		}
		b.WriteRune(c)
	}
	return b.String()
}

func (m *markdown) changes(c *Comparison) {
	m.line("\n## What changed")
	m.table("<Test", "<Scenario", "Old loss, %", "New loss, %", "Change, points (95 %)", "p (Holm)",
		"Hooks explain, points")
	for _, d := range c.Deltas {
		m.row(d.Label, d.Scenario, fixed(d.Old), fixed(d.New), d.changeText(), pText(d.Adjusted),
			signed(d.Explained))
	}
	if len(c.LeftOut) > 0 {
		m.line("\nNot compared: %s.", md(strings.Join(c.LeftOut, "; ")))
	}
}

// changeText formats a change with its interval: "+1.98 (1.91 to 2.05)".
func (d *Delta) changeText() string {
	if !d.CI.known() {
		return maybe(d.Significant) + signed(d.Delta)
	}
	return fmt.Sprintf("%s%s (%s)", maybe(d.Significant), signed(d.Delta), intervalText(d.CI))
}

func (m *markdown) compared() {
	m.line("\n## What was compared")
	m.table("<Scenario", "<What it is", "<Rules", "<Enforcers in force")
	for _, c := range m.Compared() {
		m.row(c.Name, c.What, c.Rules, cmp.Or(c.InForce, none))
	}
}

func (m *markdown) scores() {
	m.line("\n## Losses")
	if m.Comparison != nil {
		m.line("\nThese are the losses of the new run.")
	}
	m.line("\nHow much slower a test is than under %s: median over the rounds, with its 95 %% interval in "+
		"brackets. "+
		"~ may be noise, even if its interval excludes 0: among many losses that happens by chance.%s",
		md(m.Baseline), sentence(m.Units()))
	for _, g := range m.Groups() {
		m.line("\n### %s\n\n%s", g.Name, g.What)
		m.group(g)
	}
	if s := m.Controls(); s != "" {
		m.line("\n%s", md(s))
	}
}

// group writes the table of the losses of a group of tests.
func (m *markdown) group(g testGroup) {
	header := []string{"<Test", "Baseline"}
	for _, s := range m.Scenarios {
		if !s.Baseline {
			header = append(header, s.Name)
		}
	}
	m.table(header...)
	for _, t := range g.Tests {
		row := []string{t.Label, ""}
		if b := t.base(); b != nil {
			row[1] = text.Number(b.Score) + " " + t.Unit
		}
		for _, c := range m.Under(t) {
			cell := none
			if c != nil {
				cell = lossText(c)
			}
			row = append(row, cell)
		}
		m.row(row...)
	}
	if g.Name != groupPrograms {
		return
	}
	for _, x := range m.Indexes() {
		row := []string{"Index"}
		if x.Copies > 1 {
			row[0] += fmt.Sprintf(", %d copies", x.Copies)
		}
		if x.Partial {
			row[0] += fmt.Sprintf(", %d of 12 tests", x.Tests)
		}
		for _, v := range x.Values {
			row = append(row, indexText(v))
		}
		m.row(row...)
	}
}

func (m *markdown) explained() {
	m.line("\n## How much of each loss the hooks explain")
	tests := m.Profiled()
	if len(tests) == 0 {
		m.line("\nNo profile run shows a program of the enforcer in any test: no loss is explained.")
		return
	}
	m.table("<Test", "<Scenario", "Measured loss", "Hooks explain, points", "Left over, points", "<By hook, points")
	for _, t := range tests {
		for i := range t.Cells {
			c := &t.Cells[i]
			if c.Baseline || c.Explained == nil {
				continue
			}
			var hooks []string
			for _, h := range c.Hooks {
				hooks = append(hooks, h.Hook+" "+fixed(h.Loss))
			}
			m.row(t.Label, c.Scenario, lossText(c), fixed(*c.Explained), fixed(*c.LeftOver),
				strings.Join(hooks, ", "))
		}
	}
}

func (m *markdown) hooks() {
	m.line("\n## Where the time goes")
	rows := m.HeatTable().Rows
	if len(rows) == 0 {
		m.line("\nNo profile run was made: where the time goes is unknown.")
		return
	}
	m.line("\nUnder %s, the most expensive first. Of syscall: the share of the syscall's own duration, "+
		"waiting included. Of op: the share of the duration of one operation of the test under that scenario.",
		md(m.HeatScenario()))
	m.table("<Test", "<Syscall", "<Hook", "Rules", "Calls per op", "Mean", "p50", "p99", "Syscall takes",
		"Of syscall, %", "Of op, %")
	const most = 25
	for _, h := range rows[:min(len(rows), most)] {
		m.row(h.Test, h.Syscall, h.Hook, rulesText(h.Rules), perOperation(h.Calls), text.Duration(h.Mean),
			quantileText(h.P50), quantileText(h.P99),
			nanosIfKnown(h.SyscallNs), fixedIfKnown(h.SyscallShare), fixedIfKnown(h.Share))
	}
	if len(rows) > most {
		m.line("\n%d more rows are in hooks.csv.", len(rows)-most)
	}
}

func (m *markdown) rules() {
	m.line("\n## Cost per rule")
	if len(m.PerRule) == 0 {
		m.line("\nNo line was fitted: that takes profile runs with three different numbers of rules.")
		return
	}
	m.table("<Test", "<Syscall", "<Hook", "A rule costs (95 %)", "Intercept", "R²", "16 rules*", "32 rules*",
		"64 rules*", "<")
	for i := range m.PerRule {
		p := &m.PerRule[i]
		bent := ""
		if p.Line.Bent {
			bent = "not a line"
		}
		m.row(p.Test, p.Syscall, p.Hook, slopeText(&p.Line), text.Duration(p.Line.Intercept),
			fmt.Sprintf("%.4f", p.Line.R2), p.at(16), p.at(32), p.at(64),
			bent)
	}
	m.line("\n\\* extrapolated.")
}

func (m *markdown) forecast() error {
	f, err := m.Forecast()
	if err != nil || len(f.Tests) == 0 {
		return err
	}
	m.line("\n## What other rules would cost")
	m.line("\nLoss in %%, by the number of rules of each type, and how many of each type keep the loss within "+
		"1, 2 and 5 %%. \\*: extrapolated, %d rules were measured.", f.Measured)
	header := []string{"<Test"}
	for _, n := range f.Numbers {
		header = append(header, text.Plural(n, "rule"))
	}
	for _, b := range f.Budgets {
		header = append(header, b+" affords")
	}
	m.table(header...)
	for _, t := range f.Tests {
		m.row(slices.Concat([]string{t.Label}, t.Losses, t.Affords)...)
	}
	return nil
}

func (m *markdown) how() {
	m.line("\n## How it was measured\n")
	for _, w := range m.Warnings {
		m.line("> **Warning:** %s\n", md(w))
	}
	for _, f := range m.How.facts() {
		m.line("- %s: %s", md(f.Name), md(f.Value))
	}
	for _, c := range m.How.Commands {
		m.line("\n```\n%s\n```", strings.ReplaceAll(commandText(c), "`", "'"))
	}
}
