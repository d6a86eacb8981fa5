package report

import (
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/lsmprof/lsmprof/internal/text"
)

// WriteText writes the report for a terminal: the answer, a table of all losses, and notes on how to read it.
func (r *Report) WriteText(w io.Writer) error {
	v := newView(r)
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s\n\n", r.Title, v.Meta())
	for _, s := range r.Answer {
		b.WriteString(s + "\n")
	}
	b.WriteString("\n" + v.lossTable())
	v.notes(&b)
	_, err := io.WriteString(w, printableLines(b.String()))
	return err
}

// printableLines keeps the ends of lines and makes everything between them printable.
func printableLines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = text.Printable(lines[i])
	}
	return strings.Join(lines, "\n")
}

// lossTable has a row for each scenario of each test, so that it is as wide whatever the number of scenarios.
func (v *view) lossTable() string {
	t := &text.Table{Header: []string{
		"<TEST", "<SCENARIO", "SCORE", "LOSS (95 %)", "EXPLAINED", "LEFT OVER",
		"<KIND",
	}}
	for _, test := range v.Scored() {
		v.addTest(t, test)
	}
	for _, x := range v.Indexes() {
		name, what := "index", v.suiteName()
		if x.Copies > 1 {
			name += fmt.Sprintf("-x%d", x.Copies)
		}
		if x.Partial {
			what += fmt.Sprintf(", %d of 12 tests", x.Tests)
		}
		for i, value := range x.Values {
			t.Add(name, v.Scenarios[i].Name, indexText(value), "", "", "", what)
			name, what = "", ""
		}
	}
	return t.String()
}

func (v *view) addTest(t *text.Table, test *Test) {
	name, kind := test.Name, ""
	if test.Exposed != nil {
		kind = map[bool]string{true: "exposed", false: "control"}[*test.Exposed]
	}
	for i := range test.Cells {
		c := &test.Cells[i]
		score := strings.TrimSpace(text.Number(c.Median) + " " + test.Unit)
		if c.Baseline {
			t.Add(name, c.Scenario, score, "", "", "", kind)
		} else {
			t.Add(name, c.Scenario, score, lossText(c), pointsIfKnown(c.Explained),
				pointsIfKnown(c.LeftOver), kind)
		}
		name, kind = "", ""
	}
	if test.Noise != nil {
		t.Add("", "second baseline", "", "("+intervalText(*test.Noise)+")", "", "", "")
	}
}

// suiteName says whose programs UnixBench's index was measured with.
func (v *view) suiteName() string {
	for _, t := range v.Tests {
		for _, c := range t.Cells {
			if c.Index != nil {
				return map[bool]string{true: "built-in", false: "UnixBench"}[t.Kind == "built-in"]
			}
		}
	}
	return ""
}

func (v *view) notes(b *strings.Builder) {
	fmt.Fprintf(b, "\nloss of score against %s: median of %s rounds with its 95 %% interval; ~ may be noise\n",
		v.Baseline,
		rangeText(v.How.RoundsMin, v.How.RoundsMax))
	b.WriteString("explained by the hooks, and left over of the loss: points of the baseline's score\n")
	b.WriteString("second baseline: 95 % interval of the apparent loss of an identical copy of the baseline\n")
	if len(v.Index) > 0 {
		b.WriteString("index: UnixBench's arithmetic (worst third of the passes dropped, geometric mean), " +
			"without statistics\n")
	}
	for i := range v.PerRule {
		p := &v.PerRule[i]
		bent := ""
		if p.Line.Bent {
			bent = ", but the cost does not grow in a straight line"
		}
		fmt.Fprintf(b, "%s, %s in %s: a rule costs %s%s\n", p.Test, p.Hook, p.Syscall, slopeText(&p.Line), bent)
	}
	for _, t := range v.Scored() {
		if s := t.sensitivity(v.How.Runs); s != "" {
			fmt.Fprintf(b, "%s: %s\n", t.Name, s)
		}
	}
	for _, w := range v.Warnings {
		b.WriteString("warning: " + w + "\n")
	}
	if v.How.Machine.Emulated {
		b.WriteString("warning: this machine is emulated: costs are those of the emulator\n")
	}
	if v.How.Order != "" {
		fmt.Fprintf(b, "order: %s, seed %d\n", v.How.Order, v.How.Seed)
	}
}

// mostRuns is the largest number of runs that one would advise.
const mostRuns = 1000

// sensitivity says what loss of a test would have shown, and how many runs it takes to detect one of 0.5 %.
func (t *Test) sensitivity(runs int) string {
	detectable, need := 0.0, 0.0
	for i := range t.Cells {
		c := &t.Cells[i]
		if c.Baseline || c.Rounds < 2 || !c.CI.known() {
			continue
		}
		detectable = max(detectable, c.Detectable)
		need = max(need, math.Ceil(float64(c.RoundsFor)/float64(c.Rounds)*float64(max(runs, 1))))
	}
	switch {
	case detectable == 0:
		return ""
	case detectable > mostDetectable:
		return "no loss would have shown: this machine is too noisy. Quieten it and measure again"
	case need > mostRuns:
		return fmt.Sprintf("the smallest loss that would have shown is %s %%; this machine cannot tell 0.5 "+
			"%%. Quieten it", percent(detectable))
	}
	return fmt.Sprintf("the smallest loss that would have shown is %s %%; 0.5 %% takes about %s",
		percent(detectable), text.Plural(int(need), "run"))
}
