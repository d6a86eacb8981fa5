package profile

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func TestCalibrationIsJudgedByItsSpread(t *testing.T) {
	for _, test := range []struct {
		name             string
		change           func(*Calibration)
		refused, warning string
	}{
		{"narrow", func(*Calibration) {}, "", ""},
		{"small values have small steps", func(c *Calibration) { c.DispatchNext = Median{4, 10} }, "", ""},
		{"rough bias", func(c *Calibration) { c.Bias.Spread = 81 }, "", "the bias is 160.0 ns ± 81.0"},
		{"useless bias", func(c *Calibration) { c.Bias.Spread = 321 }, "the bias is 160.0 ns ± 321.0", ""},
		{"useless dispatch", func(c *Calibration) { c.Dispatch.Spread = 301 }, "the dispatch is", ""},
		{
			"only further programs need it", func(c *Calibration) { c.DispatchNext.Spread = 1e4 }, "",
			"further programs",
		},
		{
			"the probes' own cost is no part of a hook cost",
			func(c *Calibration) { c.ProbeCost.Spread = 1e4 },
			"", "",
		},
	} {
		c := calibrated
		test.change(&c)
		c.Judge()
		if !strings.Contains(c.Refused, test.refused) || (c.Refused == "") != (test.refused == "") ||
			c.Applies() != (test.refused == "") {
			t.Errorf("%s: refused %q, want %q", test.name, c.Refused, test.refused)
		}
		if w := fmt.Sprint(c.Warnings); !strings.Contains(w, test.warning) ||
			(w == "[]") != (test.warning == "") {
			t.Errorf("%s: warnings %q, want %q", test.name, w, test.warning)
		}
	}
}

func TestRefusedCalibrationIsNotAppliedButReported(t *testing.T) {
	c := calibrated
	c.Refused = "busy"
	s := one(Program{}, c, row(0, "openat", nginx, 8, repeat(1160, 10)...))
	if got := costs(t, s).Rows[0]; got.Body != 11600 || got.Hook != 11600 {
		t.Errorf("body %g, hook %g; want the readings, 11600", got.Body, got.Hook)
	}
	if w := fmt.Sprint(costs(t, s).Warnings()); !strings.Contains(w, "calibration refused: busy") {
		t.Errorf("warnings %q", w)
	}
}

func TestCalibrationCanBeReadFromTheDocument(t *testing.T) {
	c := calibrated
	c.Scope, c.Preemptible, c.Warnings = ScopeHook, true, []Warning{{Text: "w"}}
	s := one(Program{}, c)
	s.Machine = Machine{Kernel: "6.1.0", Arch: "amd64", CPU: "EPYC", CPUs: 2}
	var b bytes.Buffer
	if err := s.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	got, machine, err := ReadCalibration(&b)
	if err != nil || !reflect.DeepEqual(got, c) || machine != s.Machine {
		t.Errorf("read %+v of %+v, %v; wrote %+v of %+v", got, machine, err, c, s.Machine)
	}
}

func TestReadCalibrationRefusesOtherDocuments(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "EOF",
		"{}":                            "not one of lsmprof's",
		`{"schema":"other/v1"}`:         "not one of lsmprof's",
		`{"schema":"lsmprof/check/v1"}`: "has none",
		`{"schema":"lsmprof/record/v1","calibration":{"runs":1,"scope":"kernel"}}`: "scope",
	} {
		if _, _, err := ReadCalibration(strings.NewReader(text)); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
