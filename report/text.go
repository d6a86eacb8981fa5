package report

import (
	"fmt"
	"io"
	"math"
	"slices"
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
	if err := v.forecastTable(&b); err != nil {
		return err
	}
	_, err := io.WriteString(w, text.PrintableLines(b.String()))
	return err
}

// forecastTable writes what other numbers of rules would cost, if the run can tell.
func (v *view) forecastTable(b *strings.Builder) error {
	f, err := v.Forecast()
	if err != nil || len(f.Tests) == 0 {
		return err
	}
	t := &text.Table{Header: []string{"<LOSS IN %, BY RULES OF EACH TYPE"}}
	for _, n := range f.Numbers {
		t.Header = append(t.Header, fmt.Sprint(n))
	}
	for _, s := range f.Budgets {
		t.Header = append(t.Header, s+" AFFORDS")
	}
	for _, test := range f.Tests {
		t.Add(slices.Concat([]string{test.Label}, test.Losses, test.Affords)...)
	}
	fmt.Fprintf(b, "\n%s* extrapolated: at most %s measured. AFFORDS: the most rules of each type that keep the "+
		"loss within this.\n", t, text.Plural(f.Measured, "rule"))
	return nil
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
	fmt.Fprintf(b, "\nLOSS: how much slower a test is than under %s, in %%; %s; ~ may be noise, even if the "+
		"interval excludes 0: among many losses that happens by chance. "+
		"EXPLAINED: the part that the hooks explain, and LEFT OVER: the rest, in points.\n",
		v.Baseline, v.How.estimate())
	if s := v.legend(); s != "" {
		b.WriteString(s + "\n")
	}
	if s := v.sensitivity(); s != "" {
		b.WriteString(s + "\n")
	}
	for _, w := range v.Warnings {
		b.WriteString("warning: " + w + "\n")
	}
	if v.How.Order != "" {
		fmt.Fprintf(b, "order: %s, seed %d\n", v.How.Order, v.How.Seed)
	}
}

// legend explains the names of tests and the units of scores that the table has.
func (v *view) legend() string {
	var words []string
	for _, t := range v.Scored() {
		if what, found := strings.CutSuffix(t.Label, " ("+t.Name+")"); found {
			words = append(words, t.Name+": "+strings.ToLower(what[:1])+what[1:])
		}
	}
	if s := v.Units(); s != "" {
		words = append(words, s)
	}
	return strings.Join(words, "; ")
}

// sensitivity says what losses would have shown, and how many runs it takes to detect one of 0.5 %.
func (v *view) sensitivity() string {
	least, most := math.Inf(1), 0.0
	leastOf, mostOf, runs := "", "", 0.0
	for _, t := range v.Scored() {
		detectable, need := t.sensitivity(v.How.Runs)
		if detectable == 0 {
			continue
		}
		if detectable < least {
			least, leastOf = detectable, t.Name
		}
		if detectable > most {
			most, mostOf = detectable, t.Name
		}
		runs = max(runs, need)
	}
	switch {
	case most == 0:
		return ""
	case least > mostDetectable:
		return "no loss would have shown: " + v.whyNone()
	}
	out := fmt.Sprintf("smallest loss that would have shown: %s %% in %s", percent(least), leastOf)
	switch {
	case most > mostDetectable:
		return out + fmt.Sprintf(", none in %s: this machine is too noisy for that. Quieten it", mostOf)
	case mostOf != leastOf:
		out += fmt.Sprintf(", %s %% in %s", percent(most), mostOf)
	}
	switch {
	case most <= 0.005:
		return out
	case runs > mostRuns:
		return out + "; this machine cannot tell 0.5 % in all tests. Quieten it"
	}
	return out + fmt.Sprintf("; 0.5 %% in all tests takes about %s", text.Plural(int(runs), "run"))
}

// mostRuns is the largest number of runs that one would advise.
const mostRuns = 1000

// sensitivity returns the largest of the losses of the test's cells that would just have shown, 0 if that is unknown,
// and how many runs it takes to detect a loss of 0.5 %.
func (t *Test) sensitivity(runs int) (detectable, need float64) {
	for i := range t.Cells {
		c := &t.Cells[i]
		if c.Baseline || c.Rounds < 2 || !c.CI.known() {
			continue
		}
		detectable = max(detectable, c.Detectable)
		need = max(need, math.Ceil(float64(c.RoundsFor)/float64(c.Rounds)*float64(max(runs, 1))))
	}
	return detectable, need
}
