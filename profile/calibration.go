package profile

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// Calibration is what lsmprof measured of itself at start, in ns. The zero Calibration means that nothing was measured:
// costs are then plain readings.
type Calibration struct {
	Runs        int    `json:"runs"`
	Scope       Scope  `json:"scope"`       // of the probes
	Preemptible bool   `json:"preemptible"` // the probes detect preemption, which is part of their bias
	Bias        Median `json:"bias"`        // reading of an empty program
	Dispatch    Median `json:"dispatch"`    // cost of reaching the first program on a hook
	// DispatchNext is the cost of reaching each further program on the same hook.
	DispatchNext Median `json:"further"`
	ProbeCost    Median `json:"probe_cost"` // what the probes add to a call
	// Where the other kinds of probes differ from ProbeEvery. Zero: not measured, taken to be the same.
	BiasSelective     Median `json:"bias_selective,omitzero"`
	BiasSleepable     Median `json:"bias_sleepable,omitzero"`
	DispatchSleepable Median `json:"dispatch_sleepable,omitzero"` // of the first program on a hook
	BiasHook          Median `json:"bias_hook,omitzero"`          // of ProbeHook
	// Of probes on functions of the kernel.
	BiasFunction      Median `json:"bias_function,omitzero"`
	ProbeCostFunction Median `json:"probe_cost_function,omitzero"`
	// Refused says why the values are not applied; "" if they are.
	Refused  string    `json:"refused,omitempty"`
	Warnings []Warning `json:"warnings,omitempty"`
}

// Median is a median in ns with its spread, the distance between the quartiles.
type Median struct {
	Value  float64 `json:"median_ns"`
	Spread float64 `json:"spread_ns"`
}

// Half of the batches lie within a spread. With some 400 independent batches a median is known to a twentieth of its
// spread; on a busy machine batches are less independent. A spread above wideSpread times the value makes costs rough;
// above uselessSpread times the value, the value may as well be zero. A spread of up to spreadFloor ns, a few
// instructions and the steps of the clock, is harmless however small the value is.
const (
	wideSpread    = 0.5
	uselessSpread = 2
	spreadFloor   = 10
)

func (m Median) wider(than float64) bool { return m.Spread > max(than*m.Value, spreadFloor) }

// calibratedValue is one value of a calibration.
type calibratedValue struct {
	name   string
	m      Median
	refuse bool               // a useless value makes the whole calibration useless
	used   func(Program) bool // reports whether it is part of the costs of a program
}

// values returns the values that hook costs depend on.
func (c *Calibration) values() []calibratedValue {
	sleepable := func(p Program) bool { return p.Probe == ProbeSleepable }
	return []calibratedValue{
		{"bias", c.Bias, true, func(Program) bool { return true }},
		{"dispatch", c.Dispatch, true, func(Program) bool { return true }},
		{"dispatch of further programs", c.DispatchNext, false, func(p Program) bool { return p.Position > 0 }},
		{
			"bias of probes with a filter", c.BiasSelective, false,
			func(p Program) bool { return p.Probe == ProbeSelective },
		},
		{"bias of sleepable programs", c.BiasSleepable, false, sleepable},
		{"dispatch of sleepable programs", c.DispatchSleepable, false, sleepable},
		{"bias of probes on a hook", c.BiasHook, false, func(p Program) bool { return p.Probe == ProbeHook }},
		{"bias of probes on functions", c.BiasFunction, false, Program.onFunction},
	}
}

// roughness returns the warning that the value's spread is wide.
func (v *calibratedValue) roughness() Warning {
	return Warning{Kind: WarnCalibration, Text: fmt.Sprintf(
		"the %s is %v: a wide spread, so hook costs are rough; calibrate again on a quieter machine",
		v.name, v.m)}
}

// Judge sets Refused if the spread of the bias or the dispatch is too wide to mean anything, and adds to Warnings where
// a spread makes costs rough.
func (c *Calibration) Judge() {
	for _, v := range c.values() {
		switch {
		case v.refuse && v.m.wider(uselessSpread):
			if c.Refused == "" {
				c.Refused = fmt.Sprintf("the %s is %v, a spread of more than twice the value; "+
					"calibrate again on a quieter machine", v.name, v.m)
			}
		case v.m.wider(wideSpread):
			c.Warnings = append(c.Warnings, v.roughness())
		}
	}
}

// warningsAbout returns the warnings about values that are part of the costs of one of the programs. A calibration that
// is refused has none: no value is.
func (c *Calibration) warningsAbout(programs []Program) (warnings []Warning) {
	unused := map[string]bool{} // by text: a warning from a document has no kind
	for _, v := range c.values() {
		unused[v.roughness().Text] = c.Refused != "" || !slices.ContainsFunc(programs, v.used)
	}
	for _, w := range c.Warnings {
		if !unused[w.Text] {
			warnings = append(warnings, w)
		}
	}
	return warnings
}

// ErrorOf returns the largest error of the bias and the dispatch together that a call of any of the programs may have,
// in ns: half the quartile distance of both, which half of the calibration's batches kept. It is 0 if the calibration
// is not applied.
func (c *Calibration) ErrorOf(programs []Program) float64 {
	if !c.Applies() {
		return 0
	}
	var worst float64
	for _, p := range programs {
		b, d := c.partsOf(p)
		worst = max(worst, math.Hypot(b.Spread, d.Spread)/2)
	}
	return worst
}

// of returns the bias of one reading of the program and the cost of reaching the program once, in ns.
func (c *Calibration) of(p Program) (bias, dispatch float64) {
	b, d := c.partsOf(p)
	return b.Value, d.Value
}

// probeCost returns what the probes on a program add to a call, in ns.
func (c *Calibration) probeCost(p Program) float64 {
	if p.onFunction() && c.ProbeCostFunction != (Median{}) {
		return c.ProbeCostFunction.Value
	}
	return c.ProbeCost.Value
}

// partsOf returns the bias and the dispatch of a program, with the larger spread where two values make up the dispatch.
func (c *Calibration) partsOf(p Program) (bias, dispatch Median) {
	bias, dispatch = c.Bias, c.Dispatch
	switch {
	case p.Probe == ProbeSelective && c.BiasSelective != Median{}:
		bias = c.BiasSelective
	case p.Probe == ProbeSleepable && c.BiasSleepable != Median{}:
		bias = c.BiasSleepable
	case p.Probe == ProbeHook && c.BiasHook != Median{}:
		bias = c.BiasHook
	case p.onFunction() && c.BiasFunction != Median{}:
		bias = c.BiasFunction
	}
	if p.onFunction() {
		return bias, Median{} // what calls the function is the framework's
	}
	if p.Probe == ProbeSleepable && c.DispatchSleepable != (Median{}) {
		dispatch = c.DispatchSleepable
	}
	if p.Position > 0 {
		// Reaching a sleepable program takes longer by the same time at every position.
		dispatch.Value = max(0, c.DispatchNext.Value+dispatch.Value-c.Dispatch.Value)
		dispatch.Spread = max(dispatch.Spread, c.DispatchNext.Spread)
	}
	return bias, dispatch
}

// Applies reports whether costs are worked out with the calibration.
func (c *Calibration) Applies() bool { return c.Runs > 0 && c.Refused == "" }

// String returns the values in one line, or "off".
func (c Calibration) String() string {
	if c.Runs == 0 {
		return "off"
	}
	bias := c.Bias.String()
	if c.BiasSelective != (Median{}) {
		bias += fmt.Sprintf(" (with filters %.1f)", c.BiasSelective.Value)
	}
	if c.BiasFunction != (Median{}) {
		bias += fmt.Sprintf(" (on functions %.1f)", c.BiasFunction.Value)
	}
	s := fmt.Sprintf("bias %s, dispatch %v, further programs %v, probes %v (medians of %d runs)",
		bias, c.Dispatch, c.DispatchNext, c.ProbeCost, c.Runs)
	if c.Refused != "" {
		return "refused: " + s
	}
	return s
}

// String returns "158.0 ns ± 2.0".
func (m Median) String() string { return fmt.Sprintf("%.1f ns ± %.1f", m.Value, m.Spread) }

// ReadCalibration reads a calibration, and the machine that it was measured on, from a JSON document that
// `lsmprof check` or `lsmprof record` wrote. It fails if the document has none.
func ReadCalibration(r io.Reader) (Calibration, Machine, error) {
	var doc struct {
		Schema      string       `json:"schema"`
		Machine     Machine      `json:"machine"`
		Calibration *Calibration `json:"calibration"`
	}
	if err := json.NewDecoder(r).Decode(&doc); err != nil {
		return Calibration{}, Machine{}, fmt.Errorf("read a calibration: %w", err)
	}
	switch {
	case !strings.HasPrefix(doc.Schema, "lsmprof/"):
		return Calibration{}, Machine{}, fmt.Errorf("read a calibration: the schema %q is not one of lsmprof's",
			doc.Schema)
	case doc.Calibration == nil || doc.Calibration.Runs <= 0:
		return Calibration{}, Machine{}, errors.New(
			"read a calibration: the document has none; it was written without calibrating")
	}
	return *doc.Calibration, doc.Machine, nil
}
