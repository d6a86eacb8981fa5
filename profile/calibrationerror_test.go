package profile

import (
	"math"
	"strings"
	"testing"
)

// A warning about a value that is in no cost would only distract from those that matter.
func TestCalibrationWarnsOnlyOfValuesThatAreUsed(t *testing.T) {
	wide := Median{Value: 100, Spread: 90}
	c := Calibration{
		Runs: 9, Bias: Median{Value: 100, Spread: 3}, Dispatch: Median{Value: 100, Spread: 4},
		DispatchNext: wide, BiasSelective: wide, BiasSleepable: wide, DispatchSleepable: wide,
		Warnings: []Warning{{Kind: WarnCalibrationShared, Text: "another program was on the hook"}},
	}
	c.Judge()
	refused := c
	refused.Refused = "useless"
	for _, test := range []struct {
		name     string
		c        Calibration
		programs []Program
		want     string // beginnings of the warnings
		err      float64
	}{
		{"plain", c, []Program{{}}, "another", 2.5},
		{"second on a hook", c, []Program{{}, {Position: 1}}, "another, the dispatch of further programs", 45},
		{
			"with a filter", c,
			[]Program{{Probe: ProbeSelective}},
			"another, the bias of probes with a filter",
			45,
		},
		{
			"sleepable", c,
			[]Program{{Probe: ProbeSleepable}},
			"another, the bias of sleepable programs, the dispatch of sleepable programs", 63.6,
		},
		{"refused", refused, []Program{{Probe: ProbeSleepable}}, "another", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, w := range test.c.warningsAbout(test.programs) {
				text, _, _ := strings.Cut(w.Text, " is ")
				got = append(got, strings.TrimSuffix(text, " program was on the hook"))
			}
			if got := strings.Join(got, ", "); got != test.want {
				t.Errorf("warnings about %s, want %s", got, test.want)
			}
			if err := test.c.ErrorOf(test.programs); math.Abs(err-test.err) > 0.1 {
				t.Errorf("error of %.1f ns, want %.1f", err, test.err)
			}
		})
	}
}
