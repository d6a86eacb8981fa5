package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/lsmprof/lsmprof/internal/text"
)

// summary returns what the figures say: what programs lose, what costs nothing, the price of a call, the first rule
// against further ones, and the budget. Each has its sentence; where the run cannot tell, it says so.
func (r *Report) summary() []string {
	s := &summary{Report: r, scenario: r.heaviest()}
	if len(s.cells()) == 0 {
		return []string{"Nothing was compared: the run has no complete round of a scenario and the baseline."}
	}
	out := []string{s.loss(), s.free(), s.price(), s.rules(), s.budget()}
	if r.How.Machine.Emulated {
		out = append(out, emulatedSentence)
	}
	return out
}

const emulatedSentence = "The machine was emulated: losses and times are those of the emulator, and another " +
	"machine's will differ. Which hooks run, how often, and what grows with rules is the same on other machines."

// summary is about one scenario, the one whose hooks cost most.
type summary struct {
	*Report
	scenario string
}

// with returns how a sentence names the scenario: "with 8 rules of each type".
func (s *summary) with() string {
	for i := range s.Scenarios {
		if sc := &s.Scenarios[i]; sc.Name == s.scenario {
			if n := sc.ofEachType(); n > 0 {
				return "with " + text.Plural(n, "rule") + " of each type"
			}
		}
	}
	return "under " + s.scenario
}

// cells returns the cells of the scenario that have a figure.
func (s *summary) cells() []*Cell {
	var out []*Cell
	for i := range s.Tests {
		if c := s.Tests[i].cell(s.scenario); c != nil && !c.Baseline && !c.absurd() {
			out = append(out, c)
		}
	}
	return out
}

// headline returns the test that the first sentence is about, and its cell: of the programs, or else of the single
// calls, the one that loses most significantly, or else the one whose hooks cost most.
func (s *summary) headline(group string) (*Test, *Cell) {
	rank := func(c *Cell) float64 {
		switch {
		case c.Significant && c.Loss > 0:
			return 1 + c.Loss
		case c.Explained != nil:
			return *c.Explained
		}
		return 0
	}
	var test *Test
	var cell *Cell
	for _, c := range s.cells() {
		if t := s.test(c.Test); t.Group == group && (cell == nil || rank(c) > rank(cell)) {
			test, cell = t, c
		}
	}
	return test, cell
}

// loss says what programs lose, and whether it is the enforcer's.
func (s *summary) loss() string {
	t, c := s.headline(GroupProgram)
	lead := ""
	if t == nil {
		lead = "The run has single calls only, which lose more than any program. "
		t, c = s.headline(GroupCall)
	}
	switch {
	case t == nil:
		return fmt.Sprintf("Every test under %s varies too much: no loss can be told from noise.", s.scenario)
	case !c.Significant || c.Loss <= 0:
		return lead + s.nothingLost(t, c)
	}
	out := fmt.Sprintf("%s%s %s %% slower %s", lead, s.wordsOf(t).slower, percent(c.Loss), s.with())
	if c.CI.known() {
		out += fmt.Sprintf(" (95 %% interval %s to %s)", percent(c.CI.Low), percent(c.CI.High))
	}
	return out + "; " + s.cause(c) + "."
}

func (s *summary) cause(c *Cell) string {
	switch {
	case c.Explained == nil:
		return "without a profile run its cause is unknown"
	case !*c.Exposed:
		return "no program of the enforcer runs in it, so its hooks are not the cause"
	case c.CI.known() && c.CI.contains(*c.Explained), c.Explained != nil && math.Abs(*c.LeftOver) < 0.02*c.Loss:
		return "all of it is spent in the enforcer's hooks"
	}
	return fmt.Sprintf("the enforcer's hooks explain %s points of it, and %s points are left over",
		percent(*c.Explained), percent(*c.LeftOver))
}

// nothingLost is about a group in which no test loses significantly: the test of its largest loss is t.
func (s *summary) nothingLost(t *Test, c *Cell) string {
	if !c.CI.known() {
		return "No loss can be told from noise: each cell has one round."
	}
	low, high := math.Inf(1), 0.0
	for _, other := range s.cells() {
		if s.test(other.Test).Group == t.Group && other.CI.known() {
			low, high = min(low, other.Detectable), max(high, other.Detectable)
		}
	}
	if low > mostDetectable {
		return "No loss can be told from noise: " + s.whyNone() + "."
	}
	what := map[string]string{GroupProgram: "program", GroupCall: "call"}[t.Group]
	out := fmt.Sprintf("No %s gets slower %s, as far as this run can tell: ", what, s.with())
	switch {
	case high > mostDetectable:
		out += fmt.Sprintf("a loss of %s %% would have shown in the quietest test, none in the noisiest",
			percent(low))
	case percent(low) == percent(high):
		out += fmt.Sprintf("a loss of %s %% would have shown", percent(low))
	default:
		out += fmt.Sprintf("a loss of %s %% to %s %%, depending on the test, would have shown", percent(low),
			percent(high))
	}
	if c.Explained != nil && *c.Explained >= 5e-5 {
		out += fmt.Sprintf("; the hooks explain %s %% of %s", percent(*c.Explained), s.wordsOf(t).noun)
	}
	return out + "."
}

// free says what costs nothing.
func (s *summary) free() string {
	var controls, quiet []string
	least, most, sure := math.Inf(1), math.Inf(-1), false
	for _, c := range s.cells() {
		t := s.test(c.Test)
		switch {
		case t.Exposed != nil && !*t.Exposed:
			controls = append(controls, s.wordsOf(t).noun)
		case !c.Significant || c.Loss <= 0:
			quiet = append(quiet, fmt.Sprintf("%s (%s %%)", s.wordsOf(t).noun, percent(c.Loss)))
			least, most, sure = min(least, c.Loss), max(most, c.Loss), sure || c.CI.known()
		}
	}
	out := ""
	if len(controls) > 0 {
		out = fmt.Sprintf("Free: %s. No program of the enforcer runs there, so their apparent losses and "+
			"gains, at most %s %%, show how far off this run can be.",
			text.List(controls), percent(s.apparent()))
	}
	switch {
	case len(quiet) > 0 && !sure && percent(least) == percent(most):
		out += fmt.Sprintf(" The losses that one round shows, and cannot prove, are all %s %%.", percent(most))
	case len(quiet) > 0 && !sure:
		out += fmt.Sprintf(" The losses that one round shows, and cannot prove, are %s %% to %s %%.",
			percent(least), percent(most))
	case len(quiet) > 0:
		out += fmt.Sprintf(" Losses that may be noise: %s.", text.List(quiet))
	}
	if out == "" {
		return "Free: nothing; every test lost something."
	}
	return strings.TrimSpace(out)
}

// apparent returns the largest loss or gain, under any scenario, of the tests in which no program of the enforcer runs.
func (s *summary) apparent() (most float64) {
	for i := range s.Tests {
		t := &s.Tests[i]
		for j := range t.Cells {
			if c := &t.Cells[j]; t.Exposed != nil && !*t.Exposed && !c.Baseline && !c.absurd() {
				most = max(most, math.Abs(c.Loss))
			}
		}
	}
	return most
}

// price says what one call costs.
func (s *summary) price() string {
	type call struct {
		noun string
		ns   float64
	}
	var calls []call
	low, high, lost := math.Inf(1), math.Inf(-1), 0 // of the significant losses
	for _, c := range s.cells() {
		t := s.test(c.Test)
		if ns := s.hookNs(c.Test); t.Group == GroupCall && ns > 0 && t.Exposed != nil && *t.Exposed {
			calls = append(calls, call{s.wordsOf(t).noun, ns})
			if c.Significant {
				low, high, lost = min(low, c.Loss), max(high, c.Loss), lost+1
			}
		}
	}
	loop := ""
	switch {
	case lost == 1:
		loop = fmt.Sprintf(" A loop that does nothing else loses %s %%: the ceiling, not your workload.",
			percent(high))
	case lost > 1:
		loop = fmt.Sprintf(" A loop that does nothing else loses %s to %s %%: the ceiling, not your workload.",
			percent(low),
			percent(high))
	case len(calls) == 0: // no single calls were run
		seen := map[string]bool{}
		for _, h := range s.Hooks {
			if h.Scenario == s.scenario && h.Calls > 1e-3 && !seen[h.Hook+h.Syscall] {
				seen[h.Hook+h.Syscall] = true
				calls = append(calls, call{h.Hook + " in " + h.Syscall, h.Mean})
			}
		}
	}
	if len(calls) == 0 {
		return "Price of one call: unknown; no profile run shows a program of the enforcer."
	}
	slices.SortStableFunc(calls, func(a, b call) int { return cmp.Compare(b.ns, a.ns) })
	const most = 5
	var parts []string
	for _, c := range calls[:min(len(calls), most)] {
		parts = append(parts, c.noun+" "+text.Duration(c.ns))
	}
	return fmt.Sprintf("Price of one call %s: %s.%s", s.with(), text.List(parts), loop)
}

// hookNs returns the hook cost of one operation of a test.
func (s *summary) hookNs(test string) (ns float64) {
	for i := range s.Hooks {
		if h := &s.Hooks[i]; h.Test == test && h.Scenario == s.scenario {
			ns += h.HookNs
		}
	}
	return ns
}
