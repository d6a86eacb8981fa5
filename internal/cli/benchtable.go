package cli

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/lsmprof/lsmprof/internal/bench"
	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/text"
)

// writeBench prints what a bench found: a row for each test, a column for each scenario, and what one has to know of them.
func writeBench(w io.Writer, d *bench.Dir, a rundir.Analysis) error {
	plan := &d.Info.Plan
	cells := map[[2]string]*rundir.Cell{}
	for i := range a.Cells {
		cells[[2]string{a.Cells[i].Test, a.Cells[i].Scenario}] = &a.Cells[i]
	}
	header := []string{"<TEST", "BASELINE"}
	for i, s := range plan.Scenarios {
		if i != plan.Baseline() && !s.SecondBaseline {
			header = append(header, strings.ToUpper(s.Name))
		}
	}
	header = append(header, "NOISE", "<KIND")
	t := &text.Table{Header: header}
	for _, test := range plan.Tests {
		base := cells[[2]string{test.Name, plan.Scenarios[plan.Baseline()].Name}]
		if base == nil {
			continue
		}
		losses, explained, left := []string{test.Name, scoreOf(base)}, []string{"  explained", ""}, []string{"  left over", ""}
		kind, known := "control", false
		for i, s := range plan.Scenarios {
			if i == plan.Baseline() || s.SecondBaseline {
				continue
			}
			c := cells[[2]string{test.Name, s.Name}]
			if c == nil {
				losses, explained, left = append(losses, ""), append(explained, ""), append(left, "")
				continue
			}
			losses = append(losses, lossWithCI(c))
			if c.Explained == nil {
				explained, left = append(explained, ""), append(left, "")
				continue
			}
			known = true
			if *c.Exposed {
				kind = "exposed"
			}
			explained, left = append(explained, signed(*c.Explained)), append(left, signed(*c.LeftOver))
		}
		if !known {
			kind = ""
		}
		t.Add(append(losses, noiseOf(a, test.Name), kind)...)
		if kind == "exposed" {
			t.Add(append(explained, "", "")...)
			t.Add(append(left, "", "")...)
		}
	}
	addIndex(t, plan, a.Index)
	if err := t.Print(w); err != nil {
		return err
	}
	return writeBenchNotes(w, d, a)
}

// addIndex adds UnixBench's index: a row for each number of copies.
func addIndex(t *text.Table, plan *rundir.Plan, all []rundir.Index) {
	for _, base := range all {
		if base.Scenario != plan.Scenarios[plan.Baseline()].Name {
			continue
		}
		name := "index"
		if base.Copies > 1 {
			name += fmt.Sprintf("-x%d", base.Copies)
		}
		row := []string{name, fmt.Sprintf("%.1f", base.System)}
		for i, s := range plan.Scenarios {
			if i == plan.Baseline() || s.SecondBaseline {
				continue
			}
			cell := ""
			for _, other := range all {
				if other.Scenario == s.Name && other.Copies == base.Copies {
					cell = fmt.Sprintf("%.1f", other.System)
				}
			}
			row = append(row, cell)
		}
		what := suiteKind(plan)
		if base.Partial {
			what += fmt.Sprintf(", %d of 12 tests", len(base.PerTest))
		}
		t.Add(append(row, "", what)...)
	}
}

// suiteKind says whose programs an index is of.
func suiteKind(plan *rundir.Plan) string {
	for _, t := range plan.Tests {
		switch {
		case t.Baseline > 0 && t.Kind == rundir.BuiltIn:
			return "built-in"
		case t.Baseline > 0:
			return "UnixBench"
		}
	}
	return ""
}

func writeBenchNotes(w io.Writer, d *bench.Dir, a rundir.Analysis) error {
	plan := &d.Info.Plan
	var b strings.Builder
	fmt.Fprintf(&b, "\nlosses of score against %s: median of %s, ± half of the 95 %% interval; ~ where it may be noise\n",
		plan.Scenarios[plan.Baseline()].Name, roundsText(a))
	if len(a.Noise) > 0 {
		b.WriteString("NOISE: the 95 % interval of a second, identical baseline\n")
	}
	if len(a.Index) > 0 {
		b.WriteString("index: UnixBench's arithmetic, the worst third of the passes dropped, geometric mean; no statistics in it\n")
	}
	if worst, n := controls(a, plan); n > 0 {
		fmt.Fprintf(&b, "control tests, in which no program of the enforcer runs, appear to lose %s at most: that is not the enforcer's doing\n", worst)
	}
	for _, r := range a.PerRule {
		bent := ""
		if r.Line.Bent {
			bent = ", but it is not a line"
		}
		fmt.Fprintf(&b, "%s, %s in %s: %.1f ns a rule (95 %%: %.1f to %.1f)%s\n", r.Test, r.Hook, r.Syscall, r.Line.Slope, r.Line.SlopeCI.Low,
			r.Line.SlopeCI.High, bent)
	}
	for _, n := range a.Noise {
		for _, c := range a.Cells {
			if c.Test == n.Test && c.Scenario == plan.Scenarios[plan.SecondBaseline()].Name {
				fmt.Fprintf(&b, "%s: the smallest loss that would have shown is %s; %s for 0.5 %%\n", c.Test, signed(c.Detectable), runsText(plan, &c))
			}
		}
	}
	for _, warning := range append(append([]string{}, d.Info.Warnings...), a.Warnings...) {
		fmt.Fprintln(&b, "warning: "+text.Printable(warning))
	}
	if d.Info.Machine.Emulated {
		b.WriteString("warning: this machine is emulated: costs are those of the emulator\n")
	}
	fmt.Fprintf(&b, "order: %s, seed %d; run directory: %s\n", plan.Order, plan.Seed, d.Path)
	_, err := io.WriteString(w, b.String())
	return err
}

func scoreOf(c *rundir.Cell) string {
	return strings.TrimSpace(compact(c.Score) + " " + c.Unit)
}

// compact is a number with four digits and its thousands apart.
func compact(v float64) string {
	if v >= 1000 {
		return text.Thousands(uint64(math.Round(v)))
	}
	return fmt.Sprintf("%.4g", v)
}

// lossWithCI is 2.31 % ±0.12, with a ~ where it may be noise.
func lossWithCI(c *rundir.Cell) string {
	s := fmt.Sprintf("%s ±%.2f", signed(c.Loss), 100*c.CI.Half())
	if !c.Significant {
		return "~ " + s
	}
	return s
}

func signed(share float64) string {
	s := fmt.Sprintf("%.2f %%", 100*share)
	if s == "-0.00 %" {
		return "0.00 %"
	}
	return s
}

func noiseOf(a rundir.Analysis, test string) string {
	for _, n := range a.Noise {
		if n.Test == test {
			return fmt.Sprintf("%+.2f…%+.2f %%", 100*n.CI.Low, 100*n.CI.High)
		}
	}
	return ""
}

// controls is the greatest apparent loss or gain of tests that the enforcer does not run in.
func controls(a rundir.Analysis, plan *rundir.Plan) (worst string, n int) {
	most := 0.0
	exposed := map[string]bool{}
	for _, c := range a.Cells {
		if c.Exposed != nil && *c.Exposed {
			exposed[c.Test] = true
		}
	}
	for _, c := range a.Cells {
		if c.Exposed == nil || exposed[c.Test] {
			continue
		}
		n++
		if math.Abs(c.Loss) >= math.Abs(most) {
			most, worst = c.Loss, fmt.Sprintf("%s (%s under %s)", signed(c.Loss), c.Test, c.Scenario)
		}
	}
	return worst, n
}

func roundsText(a rundir.Analysis) string {
	low, high := math.MaxInt, 0
	for _, c := range a.Cells {
		low, high = min(low, c.Rounds), max(high, c.Rounds)
	}
	if low == high {
		return fmt.Sprintf("%d rounds", low)
	}
	return fmt.Sprintf("%d to %d rounds", low, high)
}

func runsText(plan *rundir.Plan, c *rundir.Cell) string {
	for _, t := range plan.Tests {
		if t.Name == c.Test {
			perRun := max(1, plan.Rounds(t)/plan.Runs)
			runs := max(1, (c.RoundsFor+perRun-1)/perRun)
			return fmt.Sprintf("it takes about %d runs", runs)
		}
	}
	return ""
}

// profileTime is what the profile runs take, and those that time the syscalls.
func profileTime(o *benchOptions, plan *rundir.Plan) string {
	if o.profile == "off" || o.enforcer == "none" {
		return ""
	}
	var total time.Duration
	for _, t := range plan.Tests {
		total += plan.ProfileDuration(t)
	}
	return fmt.Sprintf(", and %s for profile runs", total.Round(time.Second))
}

// dryRun prints what a bench would do.
func dryRun(w io.Writer, o *benchOptions, plan *rundir.Plan) error {
	var names []string
	for _, s := range plan.Scenarios {
		names = append(names, s.Name)
	}
	fmt.Fprintf(w, "scenarios: %s\norder: %s, seed %d\nruns: %d of each cell\n", strings.Join(names, ", "), plan.Order, plan.Seed, plan.Runs)
	fmt.Fprintf(w, "time: about %s%s\n\n", plan.Duration().Round(time.Second), profileTime(o, plan))
	t := &text.Table{Header: []string{"<TEST", "<KIND", "ROUNDS", "<HOOKS REACHED"}}
	reached := map[string]bool{}
	own := enforcerHooks(o.enforcer)
	for _, test := range plan.Tests {
		var hooks []string
		for _, h := range test.Hooks {
			if own[h] {
				hooks = append(hooks, h)
				reached[h] = true
			}
		}
		t.Add(test.Name, string(test.Kind), fmt.Sprint(plan.Rounds(test)), strings.Join(hooks, ", "))
	}
	if err := t.Print(w); err != nil {
		return err
	}
	var missing []string
	for h := range own {
		if !reached[h] {
			missing = append(missing, h)
		}
	}
	if len(missing) > 0 {
		sortStrings(missing)
		fmt.Fprintf(w, "\nhooks of the enforcer that no chosen test reaches: %s\n", strings.Join(missing, ", "))
	}
	return nil
}
