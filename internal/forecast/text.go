package forecast

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/lsmprof/lsmprof/internal/enforcer/rules"
	"github.com/lsmprof/lsmprof/internal/text"
)

// Text prints a forecast for people.
type Text struct {
	*Document
	Top     int  // rows of each table; 0: all
	Width   int  // of the terminal; 0: lines may be of any width
	Verbose bool // name the hooks without a line
}

// Write prints the answer, the tables and the warnings.
func (f *Text) Write(w io.Writer) error {
	for _, s := range f.Answer {
		fmt.Fprintln(w, text.Printable(s))
	}
	if p := f.Policy; p != nil {
		for _, n := range p.Notes {
			fmt.Fprintln(w, "note:", text.Printable(n))
		}
	}
	tables := []*text.Table{}
	if f.Rules != nil {
		tables = append(tables, f.workloadTable(), f.hookTable())
	}
	if len(f.Budgets) > 0 {
		tables = append(tables, f.budgetTable())
	}
	tables = append(tables, f.modelTable())
	for _, t := range tables {
		if t.Len() == 0 {
			continue
		}
		fmt.Fprintln(w)
		if f.Width > 0 {
			t.Fit(f.Width)
		}
		if err := t.Print(w); err != nil {
			return err
		}
	}
	return f.writeNotes(w)
}

func (f *Text) writeNotes(w io.Writer) error {
	fmt.Fprintln(w, "\ncost of a call in ns, with its standard error: "+f.Model.Origin)
	if f.Of != f.Model.Origin {
		fmt.Fprintln(w, "calls: "+f.Of)
	}
	for _, s := range f.Warnings {
		fmt.Fprintln(w, "warning:", text.Printable(s))
	}
	if f.Verbose {
		for _, s := range f.Model.Skipped {
			fmt.Fprintln(w, "not fitted:", text.Printable(s))
		}
	}
	return nil
}

// limit returns how many of n rows to print.
func (f *Text) limit(n int) int {
	if f.Top == 0 {
		return n
	}
	return min(n, f.Top)
}

func mark(extrapolated bool) string {
	if extrapolated {
		return " extrapolated"
	}
	return ""
}

// points formats a difference of shares: "+2.26 points".
func points(share float64) string {
	s := text.Percent(share)
	if share >= 0 {
		s = "+" + s
	}
	return strings.Replace(strings.Replace(s, "-", "−", 1), "%", "points", 1)
}

func (f *Text) workloadTable() *text.Table {
	t := &text.Table{Header: []string{"<WORKLOAD", "NOW", "<FORECAST (95 %)", "<CHANGE", "<"}}
	if f.ShareOf == "score" {
		t.Header[0] = "<TEST"
	}
	row := func(w *Forecast) {
		t.Add(w.Workload, text.Percent(w.Now.Share), interval(&w.Then), points(w.Then.Share-w.Now.Share),
			mark(w.Extrapolated))
	}
	all := f.Workloads
	for i := range all[:f.limit(len(all))] {
		row(&all[i])
	}
	if left := len(all) - f.limit(len(all)); left > 0 {
		t.Add(fmt.Sprintf("and %d more", left), "", "", "", "")
	}
	if f.Total != nil && len(all) > 1 {
		row(f.Total)
	}
	return t
}

// hookTable lists the hooks whose cost changes most.
func (f *Text) hookTable() *text.Table {
	type entry struct {
		workload, syscall string
		hook              RowForecast
	}
	var all []entry
	for _, w := range f.Workloads {
		parts := map[string]string{}
		for _, s := range w.Syscalls {
			parts[s.Syscall] = text.Percent(s.Now) + " → " + text.Percent(s.Then)
		}
		for _, h := range w.Hooks {
			if h.New != h.Mean || h.Why != "" {
				all = append(all, entry{w.Workload, parts[h.Syscall], h})
			}
		}
	}
	change := func(e entry) float64 { return e.hook.Calls * max(e.hook.New-e.hook.Mean, e.hook.Mean-e.hook.New) }
	slices.SortStableFunc(all, func(a, b entry) int {
		switch x, y := change(a), change(b); {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	t := &text.Table{Header: []string{
		"<WORKLOAD", "<SYSCALL", "<HOOK", "<RULES", "NOW", "<FORECAST (95 %)", "<OF THE SYSCALL", "<",
	}, Drop: []string{"OF THE SYSCALL", "NOW", "RULES"}}
	if f.ShareOf == "score" {
		t.Header[0] = "<TEST"
	}
	for _, e := range all[:f.limit(len(all))] {
		h := &e.hook
		now := fmt.Sprintf("%d → %d", h.Rules, h.NewRule)
		if h.Rules < 0 {
			now = fmt.Sprintf("? → %d", h.NewRule)
		}
		then := fmt.Sprintf("%s (%s to %s)", text.Duration(h.New), text.Duration(h.CI.Low),
			text.Duration(h.CI.High))
		note := mark(h.Extrapolated)
		switch {
		case h.Why != "":
			then, note = "as now", h.Why
		case h.From == "hook":
			note += " from other syscalls"
		case h.From == "rule type":
			note += " from other hooks"
		}
		t.Add(e.workload, h.Syscall, h.Hook, now, text.Duration(h.Mean), then, e.syscall, note)
	}
	return t
}

// budgetTable has a row for each workload, and a column for each kind of rules.
func (f *Text) budgetTable() *text.Table {
	kinds := append(rules.Kinds()[:6], EachType)
	t := &text.Table{Header: []string{"<RULES FOR " + text.Percent(f.Budgets[0].Share)}}
	t.Header, t.Drop = append(t.Header, kinds...), []string{rules.Ptrace, rules.Cap, rules.Mount}
	for from := 0; from < len(f.Budgets); from += len(kinds) {
		cells := []string{f.Budgets[from].Workload}
		for _, b := range f.Budgets[from : from+len(kinds)] {
			cells = append(cells, budgetCell(&b))
		}
		t.Add(cells...)
	}
	return t
}

func budgetCell(b *Budget) string {
	switch {
	case b.Exceeded:
		return "none"
	case b.Unlimited:
		return "any"
	}
	s := text.Thousands(b.Rules)
	if r := b.Range(); r != "" {
		s += " (" + strings.Replace(r, " to ", "–", 1) + ")"
	}
	if b.Extrapolated {
		s = "~" + s
	}
	return s
}

// modelTable lists the fitted lines.
func (f *Text) modelTable() *text.Table {
	t := &text.Table{Header: []string{
		"<HOOK", "<SYSCALL", "<RULE TYPE", "NO POLICY", "NO RULES", "FIRST RULE", "EACH FURTHER", "MEASURED TO",
	}, Drop: []string{"NO POLICY", "NO RULES", "MEASURED TO"}}
	measured := func(v *float64) string {
		if v == nil {
			return "–"
		}
		return fmt.Sprintf("%.0f", *v)
	}
	for _, l := range f.Model.Lines {
		t.Add(l.Hook, l.Syscall, l.Kind, measured(l.NoPolicy), measured(l.NoRules),
			fmt.Sprintf("%.0f ± %.0f", l.First, l.FirstErr), fmt.Sprintf("%.1f ± %.1f", l.Slope,
				l.SlopeErr),
			text.Plural(l.Most, "rule"))
	}
	return t
}
