package forecast

import (
	"math"
	"strings"
	"testing"

	"github.com/lsmprof/lsmprof/internal/enforcer/rules"
	"github.com/lsmprof/lsmprof/profile"
)

var open = place{"ref_file_open", "file_open", "openat"}

// exact returns what a benchmark of one test measures without any noise.
func exact(at place, numbers ...int) (out []observation) {
	for _, n := range numbers {
		out = append(out, observation{
			source: "test", at: at, enforcer: "reference", confined: true, rules: n, mean: exactCost(n),
			err: 1,
		})
	}
	return append(out, observation{source: "test", at: at, enforcer: "reference", mean: 500, err: 1})
}

func exactCost(n int) float64 {
	if n == 0 {
		return 700
	}
	return 3000 + 200*float64(n-1)
}

func fitted(t *testing.T, all []observation) *Model {
	t.Helper()
	m, err := fitModel(all)
	if err != nil {
		t.Fatal(err)
	}
	m.Enforcer = "reference"
	return m
}

func one(at place, n int, mean float64) *Workload {
	return &Workload{Name: "pod", Time: 1e9, Rows: []Row{{
		Syscall: at.syscall, Hook: at.hook, Program: at.program, Enforcer: "reference", Rules: n, Calls: 1000,
		Mean: mean, Err: 1,
	}}}
}

func TestForecast(t *testing.T) {
	m := fitted(t, exact(open, 0, 1, 2, 4))
	denied := one(open, 4, 3600)
	denied.Rows[0].Denied = 1
	for _, c := range []struct {
		name         string
		w            *Workload
		n            int
		mean         float64
		extrapolated bool
	}{
		{"the same number", one(open, 4, 3600), 4, 3600, false},
		{"more rules", one(open, 4, 3600), 8, 4400, false},
		{"fewer rules", one(open, 8, 4400), 2, 3200, false},
		{"deeper paths stay deeper", one(open, 4, 5000), 8, 5800, false},
		{"the first rule", one(open, 0, 500), 4, 3600, false},
		{"no rule", one(open, 4, 5000), 0, 700, false},
		{"four times what was measured", one(open, 4, 3600), 16, 6000, false},
		{"more than that", one(open, 4, 3600), 17, 6200, true},
		{"denied calls stop half way", denied, 8, 4000, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := m.Forecast(c.w, Rules{rules.File: c.n})
			if got := f.Hooks[0].New; math.Abs(got-c.mean) > 0.01 {
				t.Errorf("a call costs %.2f ns, want %.2f", got, c.mean)
			}
			if f.Extrapolated != c.extrapolated {
				t.Errorf("extrapolated %v", f.Extrapolated)
			}
			if f.Then.Ns != 1000*f.Hooks[0].New || !f.Then.CI.Contains(f.Then.Ns) {
				t.Errorf("all calls: %+v", f.Then)
			}
		})
	}
}

// The first rule costs a path, of which the recording of a workload without rules says nothing: the interval is wider.
func TestUnknownDepthWidensTheInterval(t *testing.T) {
	m := fitted(t, exact(open, 0, 1, 2, 4))
	known, unknown := m.Forecast(one(open, 4, 3600), Rules{rules.File: 8}), m.Forecast(one(open, 0, 500),
		Rules{rules.File: 8})
	if !unknown.NewRules || known.NewRules {
		t.Errorf("depth unknown: %v and %v", known.NewRules, unknown.NewRules)
	}
	if k, u := known.Then.CI.Half(), unknown.Then.CI.Half(); u < 10*k {
		t.Errorf("half intervals: %.0f ns with a known depth, %.0f ns without", k, u)
	}
}

// Rules of other kinds change nothing, and what the model does not know stays as it is and is named.
func TestRowsThatStay(t *testing.T) {
	m := fitted(t, exact(open, 0, 1, 2, 4))
	ptrace := place{"ref_ptrace_access_check", "ptrace_access_check", "ptrace"}
	for _, c := range []struct {
		name string
		w    *Workload
		want Rules
		why  string
	}{
		{"another kind", one(open, 4, 3600), Rules{rules.Net: 9}, ""},
		{"no such hook", one(ptrace, 0, 500), Rules{rules.Ptrace: 1}, "no line"},
		{"unknown rules", one(open, profile.RulesUnknown, 3600), Rules{rules.File: 9}, "unknown"},
	} {
		f := m.Forecast(c.w, c.want)
		if h := f.Hooks[0]; h.New != h.Mean || !strings.Contains(h.Why, c.why) ||
			(h.Why == "") != (c.why == "") {
			t.Errorf("%s: %+v", c.name, h)
		}
		if unknown := 0.0; c.why != "" && f.Unknown != 1 || c.why == "" && f.Unknown != unknown {
			t.Errorf("%s: %.2f of the cost is unknown", c.name, f.Unknown)
		}
	}
	other := one(place{"varmor_file_open", "file_open", "openat"}, 4, 3600)
	other.Rows[0].Enforcer = "varmor"
	if h := m.Forecast(other, Rules{rules.File: 9}).Hooks[0]; h.Why == "" {
		t.Error("a model of the reference enforcer was used for vArmor")
	}
}

// A hook that was not measured borrows the line of its kind, scaled by what it costs: path_link builds two paths.
func TestHookThatWasNotMeasured(t *testing.T) {
	m := fitted(t, exact(open, 0, 1, 2, 4))
	link := place{"ref_path_link", "path_link", "linkat"}
	h := m.Forecast(one(link, 1, 6000), Rules{rules.File: 5}).Hooks[0]
	if want := 6000 + 2*200*4.0; math.Abs(h.New-want) > 1 || h.From != "rule type" {
		t.Errorf("%.0f ns from the %s, want %.0f from the rule type", h.New, h.From, want)
	}
	if !h.CI.Contains(h.New+300) || h.CI.Contains(h.New+2000) {
		t.Errorf("interval %+v", h.CI)
	}
}

func TestFitRefuses(t *testing.T) {
	for name, all := range map[string][]observation{
		"nothing":       nil,
		"one number":    exact(open, 0, 4),
		"without rules": exact(open, 0),
	} {
		if m, err := fitModel(all); err == nil {
			t.Errorf("%s: fitted %+v", name, m.Lines)
		}
	}
}

// A recording is enough for a model if one workload had two numbers of rules, or three workloads had three.
func TestFitWorkloads(t *testing.T) {
	pod := func(name string, numbers ...int) Workload {
		w := Workload{Name: name, Time: 1e9}
		for _, n := range numbers {
			w.Rows = append(w.Rows, one(open, n, exactCost(n)).Rows...)
		}
		return w
	}
	for _, c := range []struct {
		name string
		all  []Workload
		ok   bool
	}{
		{"two numbers in one workload", []Workload{pod("a", 2, 4)}, true},
		{"three workloads", []Workload{pod("a", 2), pod("b", 4), pod("c", 9)}, true},
		{"two workloads", []Workload{pod("a", 2), pod("b", 4)}, false},
		{"alike workloads", []Workload{pod("a", 2), pod("b", 2), pod("c", 2)}, false},
		{"no rules", []Workload{pod("a", 0), pod("b", 0)}, false},
		{"nothing", nil, false},
	} {
		m, err := FitWorkloads(c.all)
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
		if err == nil && math.Abs(m.Lines[0].Slope-200) > 0.01 {
			t.Errorf("%s: slope %.1f, want 200", c.name, m.Lines[0].Slope)
		}
		if err != nil && !strings.Contains(err.Error(), "two numbers of rules") {
			t.Errorf("%s: the error does not say what it takes: %v", c.name, err)
		}
	}
}

func TestParseRules(t *testing.T) {
	for in, want := range map[string]string{
		"8": "8 rules of each type", "file=50,net=20": "file=50,net=20", " exec=1 , cap=0": "exec=1,cap=0",
		"0": "0 rules of each type",
	} {
		if got, err := ParseRules(in); err != nil || got.String() != want {
			t.Errorf("%q: %q, %v; want %q", in, got, err, want)
		}
	}
	for _, in := range []string{
		"", "file", "file=", "file=-1", "file=1,file=2", "dir=3", "x", "1000001",
		"file=8,",
	} {
		if got, err := ParseRules(in); err == nil {
			t.Errorf("%q gives %v", in, got)
		}
	}
	if got := Counted(rules.Rules{File: 7, Mount: 1}); got.String() != "file=7,mount=1" || got[rules.Net] != 0 {
		t.Errorf("counted: %v", got)
	}
}
