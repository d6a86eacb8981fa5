package report

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"

	"github.com/lsmprof/lsmprof/internal/enforcer/rules"
	"github.com/lsmprof/lsmprof/internal/forecast"
	"github.com/lsmprof/lsmprof/internal/text"
)

//go:embed forecast.html
var forecastHTML string

//go:embed forecast.js
var forecastJS string

// forecasts says what other numbers of rules would cost the tests. The zero value has none.
type forecasts struct {
	Tests    []forecastTest
	Numbers  []int // of rules of each type, the columns of the table
	Measured int   // the largest number of rules
	Budgets  []string
	Most     int // where the slider ends
	Data     template.JS
	JS       template.JS
}

// forecastTest is one test with its curves.
type forecastTest struct {
	Name, Label string
	Losses      []string // in the order of Numbers
	Affords     []string // in the order of the budgets
	Plot        template.HTML

	curves map[string]forecastCurve // by kind of rules
	high   float64
}

// forecastCurve is the loss at every number of rules, with the ends of its interval, in hundredths of a percent.
type forecastCurve struct {
	Loss []int `json:"loss"`
	Low  []int `json:"low"`
	High []int `json:"high"`
}

// budgetShares are the losses for which the page says how many rules they afford.
func budgetShares() []float64 { return []float64{0.01, 0.02, 0.05} }

// mostForecastTests keeps the page short.
const mostForecastTests = 12

// Forecast works out the section about other numbers of rules. It has no tests if no line was fitted.
func (v *view) Forecast() (*forecasts, error) {
	f := &forecasts{JS: template.JS(forecastJS)} //nolint:gosec // part of this package
	if v.run == nil {
		return f, nil
	}
	model, err := forecast.FitRun(v.run, "")
	if err != nil {
		return f, nil // the section says what it takes
	}
	f.Measured = model.Measured(forecast.EachType)
	f.Most = min(max(64, 4*f.Measured), 256)
	for _, n := range []int{0, 1, 2, 4, 8, 16, 32, 64, 128} {
		if n <= f.Most {
			f.Numbers = append(f.Numbers, n)
		}
	}
	for _, share := range budgetShares() {
		f.Budgets = append(f.Budgets, text.Number(100*share)+" %")
	}
	all := forecast.OfTests(v.run)
	for i := range all[:min(len(all), mostForecastTests)] {
		f.Tests = append(f.Tests, f.test(v, model, &all[i]))
	}
	return f, f.encode()
}

func (f *forecasts) test(v *view, model *forecast.Model, w *forecast.Workload) forecastTest {
	t := forecastTest{Name: w.Name, Label: w.Name, curves: map[string]forecastCurve{}}
	if known := v.test(w.Name); known != nil {
		t.Label = known.Label
	}
	each := model.Curve(w, nil, forecast.EachType)
	for _, n := range f.Numbers {
		s := fixed(each(n).Share)
		if n > 4*f.Measured {
			s += "*"
		}
		t.Losses = append(t.Losses, s)
	}
	for _, share := range budgetShares() {
		t.Affords = append(t.Affords, affordsText(model.Budget(w, nil, forecast.EachType, share)))
	}
	for _, kind := range append(rules.Kinds(), forecast.EachType) {
		if model.Reaches(w, kind) {
			t.curves[kind] = sampled(model.Curve(w, nil, kind), f.Most)
		}
	}
	t.high = float64(slices.Max(t.curves[forecast.EachType].High)) / 1e4
	t.Plot = f.plot(&t)
	return t
}

// affordsText formats how many rules of each type a budget affords.
func affordsText(b forecast.Budget) string {
	switch {
	case b.Unlimited:
		return "any"
	case b.Exceeded || b.Rules == 0:
		return "none"
	}
	s := text.Thousands(b.Rules)
	if r := b.Range(); r != "" {
		s += " (" + r + ")"
	}
	if b.Extrapolated {
		s += "*"
	}
	return s
}

func sampled(at func(int) forecast.Amount, most int) (c forecastCurve) {
	hundredths := func(share float64) int { return int(math.Round(1e4 * share)) }
	for n := range most + 1 {
		a := at(n)
		c.Loss = append(c.Loss, hundredths(a.Share))
		c.Low, c.High = append(c.Low, hundredths(a.Of.Low)), append(c.High, hundredths(a.Of.High))
	}
	return c
}

// encode writes the data of the slider.
func (f *forecasts) encode() error {
	type test struct {
		High   float64                  `json:"high"`
		Curves map[string]forecastCurve `json:"curves"`
	}
	data := struct {
		Measured int    `json:"measured"`
		Tests    []test `json:"tests"`
	}{f.Measured, []test{}}
	for _, t := range f.Tests {
		data.Tests = append(data.Tests, test{t.high, t.curves})
	}
	encoded, err := json.Marshal(data)
	f.Data = template.JS(encoded) //nolint:gosec // JSON: nothing in it can end the script
	return err
}

// Kinds returns the types of rules that any test reaches.
func (f *forecasts) Kinds() (out []string) {
	for _, kind := range rules.Kinds() {
		if slices.ContainsFunc(f.Tests, func(t forecastTest) bool { return len(t.curves[kind].Loss) > 0 }) {
			out = append(out, kind)
		}
	}
	return out
}

// Sizes of a plot of losses over rules, in px. forecast.js draws with the same ones.
const (
	forecastWidth, forecastHeight = 330.0, 180.0
	forecastLeft, forecastRight   = 40.0, 322.0
	forecastTop, forecastBottom   = 8.0, 146.0
)

// plot draws the loss of a test over the number of rules of each type. The script moves the line with the class "at".
func (f *forecasts) plot(t *forecastTest) template.HTML {
	c := t.curves[forecast.EachType]
	x := scale{0, float64(f.Most), forecastLeft, forecastRight}
	y := scale{0, max(t.high, 1e-4), forecastBottom, forecastTop}
	s := newSVG(forecastWidth, forecastHeight, t.Label+": loss of score by number of rules",
		"The table below has the same figures.")
	if from := float64(4 * f.Measured); from < x.high {
		s.rect("beyond", x.at(from), forecastTop, x.to-x.at(from), forecastBottom-forecastTop, "extrapolated")
	}
	ticks := y.ticks(4)
	for _, v := range ticks {
		s.line("grid", forecastLeft, y.at(v), forecastRight, y.at(v))
		s.text("e axis", forecastLeft-5, y.at(v)+4, fmt.Sprintf("%.*f %%", max(0, decimals(ticks)-2), 100*v))
	}
	for _, v := range x.ticks(5) {
		s.text("m axis", x.at(v), forecastBottom+15, text.Number(v))
	}
	s.text("m axis", (forecastLeft+forecastRight)/2, forecastHeight-4, "rules")
	point := func(n, hundredths int) string {
		return px(x.at(float64(n))) + " " + px(y.at(float64(hundredths)/1e4))
	}
	var line, band []string
	for n := range c.Loss {
		line, band = append(line, point(n, c.Loss[n])), append(band, point(n, c.High[n]))
	}
	for n := len(c.Low) - 1; n >= 0; n-- {
		band = append(band, point(n, c.Low[n]))
	}
	fmt.Fprintf(&s.b, `<path class="interval" d="M%sZ"/><path class="fit" d="M%s"/>`, strings.Join(band, "L"),
		strings.Join(line, "L"))
	at := x.at(float64(f.Measured))
	s.line("at", at, forecastTop, at, forecastBottom)
	return s.html()
}
