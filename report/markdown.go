package report

import (
	"fmt"
	"io"
	"strings"
)

// WriteMarkdown writes what an issue or a pull request has room for, in GitHub's Markdown.
func (r *Report) WriteMarkdown(w io.Writer) error {
	m := &markdown{}
	m.line("# %s", md(r.Title))
	m.line("")
	m.line("%s", md(r.Meta()))
	m.line("")
	for _, s := range r.Answer {
		m.line("- %s", md(s))
	}
	if r.Compared != nil {
		m.changes(r.Compared)
	}
	m.scores(r)
	m.explained(r)
	m.hooks(r)
	m.rules(r)
	m.how(r)
	_, err := io.WriteString(w, m.String())
	return err
}

type markdown struct{ strings.Builder }

func (m *markdown) line(format string, args ...any) { fmt.Fprintf(m, format+"\n", args...) }

// table begins a table; columns whose header begins with `<` are aligned left.
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
	for _, c := range printable(s) {
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
	m.table("<Test", "<Scenario", "Old loss, %", "New loss, %", "Change, points", "95 % CI", "p (Holm)", "Hooks explain")
	for _, d := range c.Deltas {
		m.row(d.Label, d.Scenario, fixed(d.Old), fixed(d.New), maybe(d.Significant)+plus(d.Delta), fixedInterval(d.CI), fmt.Sprintf("%.3f", d.Adjusted), plus(d.Explained))
	}
	if len(c.Left) > 0 {
		m.line("\nNot compared: %s.", md(strings.Join(c.Left, "; ")))
	}
}

func maybe(significant bool) string {
	if significant {
		return ""
	}
	return "~ "
}

func (m *markdown) scores(r *Report) {
	m.line("\n## Scores")
	m.line("\nPercent of the score under %s, from means; in brackets the loss, median over rounds, with its 95 %% interval. ~ may be noise.", md(r.Baseline))
	header := []string{"<Test", "Baseline"}
	for _, s := range r.Scenarios {
		if !s.Baseline {
			header = append(header, s.Name)
		}
	}
	m.table(header...)
	for _, t := range r.Scored() {
		row := []string{t.Label, ""}
		if b := t.Base(); b != nil {
			row[1] = number(b.Score) + " " + t.Unit
		}
		for _, c := range r.Under(t) {
			cell := "–"
			if c != nil {
				cell = fmt.Sprintf("%s (%s%s, %s)", fixed(c.Percent), maybe(c.Significant), fixed(c.Loss), fixedInterval(c.CI))
			}
			row = append(row, cell)
		}
		m.row(row...)
	}
	for _, x := range r.Indexes() {
		row := []string{"Index"}
		if x.Partial {
			row[0] += fmt.Sprintf(", %d of 12 tests", x.Tests)
		}
		for _, v := range x.Values {
			row = append(row, fmt.Sprintf("%.1f", v))
		}
		m.row(row...)
	}
}

func (m *markdown) explained(r *Report) {
	m.line("\n## Measured against explained")
	tests := r.WithHooks()
	if len(tests) == 0 {
		m.line("\nNo profile run shows a program of the enforcer in any test: nothing is explained.")
		return
	}
	m.table("<Test", "<Scenario", "Measured, %", "95 % CI", "Hooks explain, %", "Left over", "<By hook, %")
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
			m.row(t.Label, c.Scenario, maybe(c.Significant)+fixed(c.Loss), fixedInterval(c.CI), fixed(*c.Explained), fixed(*c.LeftOver), strings.Join(hooks, ", "))
		}
	}
}

func (m *markdown) hooks(r *Report) {
	m.line("\n## Where the time goes")
	rows := r.HeatRows()
	if len(rows) == 0 {
		m.line("\nNo profile run was made: where the time goes is not known.")
		return
	}
	m.line("\nUnder %s, the most expensive first. Of syscall: of the syscall's own time, waiting included; of op: of the time that one operation of the test takes there.",
		md(r.HeatScenario()))
	m.table("<Test", "<Syscall", "<Hook", "Rules", "Calls per op", "Mean", "p50", "p99", "Syscall takes", "Of syscall, %", "Of op, %")
	const most = 25
	for _, h := range rows[:min(len(rows), most)] {
		m.row(h.Test, h.Syscall, h.Hook, h.RulesText(), per(h.Calls), nanos(h.Mean), nanos(h.P50), nanos(h.P99), nanosIfKnown(h.SyscallNs),
			fixedIfKnown(h.SyscallShare), fixedIfKnown(h.Share))
	}
	if len(rows) > most {
		m.line("\n%d more rows are in hooks.csv.", len(rows)-most)
	}
}

func (m *markdown) rules(r *Report) {
	m.line("\n## Cost per rule")
	if len(r.PerRule) == 0 {
		m.line("\nIt takes profile runs with three different numbers of rules to fit a line: there are none.")
		return
	}
	m.table("<Test", "<Syscall", "<Hook", "Slope, a rule", "95 % CI, ns", "Intercept", "R²", "16 rules*", "32 rules*", "64 rules*", "<")
	for _, p := range r.PerRule {
		bent := ""
		if p.Line.Bent {
			bent = "not a line"
		}
		m.row(p.Test, p.Syscall, p.Hook, nanos(p.Line.Slope), fmt.Sprintf("%.1f..%.1f", p.Line.SlopeCI.Low, p.Line.SlopeCI.High), nanos(p.Line.Intercept),
			fmt.Sprintf("%.4f", p.Line.R2), p.AtText(16), p.AtText(32), p.AtText(64), bent)
	}
	m.line("\n\\* extrapolated.")
}

func (m *markdown) how(r *Report) {
	m.line("\n## How it was measured\n")
	for _, w := range r.Warnings {
		m.line("> **Warning:** %s\n", md(w))
	}
	for _, f := range r.How.Facts() {
		m.line("- %s: %s", md(f.Name), md(f.Value))
	}
	for _, c := range r.How.Commands {
		m.line("\n```\n%s\n```", strings.ReplaceAll(command(c), "`", "'"))
	}
}
