package profile

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Calibration is what lsmprof measured of itself at start. A zero Runs means that it was not calibrated: readings are then
// reported as they are.
type Calibration struct {
	Runs        int    `json:"runs"`
	Scope       Scope  `json:"scope"`       // of the probes
	Preemptible bool   `json:"preemptible"` // the probes look for preemption, which is in their bias
	Bias        Median `json:"bias"`        // reading of an empty program, ns
	Dispatch    Median `json:"dispatch"`    // what reaching the first program on a hook costs, ns
	Further     Median `json:"further"`     // what reaching one more program on the same hook costs, ns
	ProbeCost   Median `json:"probe_cost"`  // what the probes add to an invocation, ns
	// Where pairs of probes differ; zero: not measured, as the plain ones.
	BiasSelective     Median `json:"bias_selective,omitzero"`
	BiasSleepable     Median `json:"bias_sleepable,omitzero"`
	DispatchSleepable Median `json:"dispatch_sleepable,omitzero"` // of the first program on a hook
	// Refused says why the values are not applied; empty: they are.
	Refused  string    `json:"refused,omitempty"`
	Warnings []Warning `json:"warnings,omitempty"`
}

// Median is a median with its spread, the distance between the quartiles.
type Median struct {
	Value  float64 `json:"median_ns"`
	Spread float64 `json:"spread_ns"`
}

// Half of the batches lie within a spread. With some 400 of them a median is known to a twentieth of it, if they are independent;
// they are less so the busier the machine is. Above wideSpread, times the value, costs are rough; above uselessSpread the value
// may as well be nothing. A few instructions and the steps of the clock, spreadFloor ns, say nothing against however small a value.
const (
	wideSpread    = 0.5
	uselessSpread = 2
	spreadFloor   = 10
)

func (m Median) wider(than float64) bool { return m.Spread > max(than*m.Value, spreadFloor) }

// Judge refuses a calibration whose bias or dispatch has a spread too wide to mean anything, and warns of one that is rough.
func (c *Calibration) Judge() {
	for _, v := range []struct {
		name   string
		m      Median
		refuse bool
	}{
		{"bias", c.Bias, true},
		{"dispatch", c.Dispatch, true},
		{"dispatch of further programs", c.Further, false},
		{"bias of probes with a filter", c.BiasSelective, false},
		{"bias of sleepable programs", c.BiasSleepable, false},
		{"dispatch of sleepable programs", c.DispatchSleepable, false},
	} {
		switch {
		case v.refuse && v.m.wider(uselessSpread):
			if c.Refused == "" {
				c.Refused = fmt.Sprintf("the %s is %v: its spread is more than twice the value; calibrate again when the machine is less busy", v.name, v.m)
			}
		case v.m.wider(wideSpread):
			c.Warnings = append(c.Warnings, Warning{WarnCalibration, fmt.Sprintf("the %s is %v: a wide spread, hook costs are rough; "+
				"calibrate again when the machine is less busy", v.name, v.m)})
		}
	}
}

// of is what a reading of the program has too much, and what reaching it cost, ns.
func (c *Calibration) of(p Program) (bias, dispatch float64) {
	b, d := c.Bias, c.Dispatch
	switch {
	case p.Pair == PairSelective && c.BiasSelective != Median{}:
		b = c.BiasSelective
	case p.Pair == PairSleepable && c.BiasSleepable != Median{}:
		b = c.BiasSleepable
	}
	if p.Pair == PairSleepable && c.DispatchSleepable != (Median{}) {
		d = c.DispatchSleepable
	}
	if p.Position == 0 {
		return b.Value, d.Value
	}
	// A sleepable program takes as much longer to reach wherever it stands.
	return b.Value, max(0, c.Further.Value+d.Value-c.Dispatch.Value)
}

// Applies says whether costs are worked out with it.
func (c *Calibration) Applies() bool { return c.Runs > 0 && c.Refused == "" }

func (c Calibration) String() string {
	if c.Runs == 0 {
		return "off"
	}
	bias := c.Bias.String()
	if c.BiasSelective != (Median{}) {
		bias += fmt.Sprintf(" (with filters %.1f)", c.BiasSelective.Value)
	}
	s := fmt.Sprintf("bias %s, dispatch %v, further programs %v, probes %v (medians of %d runs)", bias, c.Dispatch, c.Further, c.ProbeCost, c.Runs)
	if c.Refused != "" {
		return "refused: " + s
	}
	return s
}

func (m Median) String() string { return fmt.Sprintf("%.1f ns ± %.1f", m.Value, m.Spread) }

// ReadCalibration reads the calibration in what `lsmprof check -o json` or `lsmprof record -o json` printed, and the machine that
// it is of.
func ReadCalibration(r io.Reader) (Calibration, Machine, error) {
	var doc struct {
		Schema      string       `json:"schema"`
		Machine     machineJSON  `json:"machine"`
		Calibration *Calibration `json:"calibration"`
	}
	if err := json.NewDecoder(r).Decode(&doc); err != nil {
		return Calibration{}, Machine{}, fmt.Errorf("read a calibration: %w; give what `lsmprof check -o json` printed", err)
	}
	switch {
	case !strings.HasPrefix(doc.Schema, "lsmprof/"):
		return Calibration{}, Machine{}, fmt.Errorf("schema %q is not of lsmprof; give what `lsmprof check -o json` printed", doc.Schema)
	case doc.Calibration == nil || doc.Calibration.Runs <= 0:
		return Calibration{}, Machine{}, errors.New("it holds no calibration; `lsmprof check -o json`, as root, measures one")
	}
	return *doc.Calibration, Machine(doc.Machine), nil
}
