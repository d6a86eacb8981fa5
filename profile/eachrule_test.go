package profile

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	pprof "github.com/google/pprof/profile"

	"github.com/lsmprof/lsmprof/internal/golden"
)

// walked is a pass in which a workload walked four rules 1,000 times. The third one matched 600 times, the fourth is
// shadowed by the second.
func walked() *EachRule {
	web := Workload{MntNS: 4026532300, Comm: "nginx"}
	row := func(rule int, text string, looks, matches uint64, reading time.Duration) RuleRow {
		return RuleRow{
			Program:  Program{ID: 7, Name: "ref_file_open", Hook: "file_open", Enforcer: "reference"},
			Function: "path_rule_at", Workload: web, Kind: "file", Rule: rule, Text: text, ShadowedBy: -1,
			Looks: looks, Matches: matches, Timed: looks, Sum: time.Duration(looks) * reading,
			ByIndex: true,
		}
	}
	e := &EachRule{
		Duration: 3 * time.Second,
		Calibration: RuleCalibration{
			Bias: Median{180, 1}, Step: Median{10, 1}, HashLookup: Median{70, 1}, ArrayLookup: Median{
				10,
				1,
			},
		},
		Rows: []RuleRow{
			row(2, "deny /tmp/**", 1000, 600, 380), row(0, "deny /a/**", 1000, 0, 390),
			row(1, "deny /etc/**", 1000, 0, 380),
			row(3, "deny /etc/shadow", 400, 0, 380), row(4, "", 400, 400, 290),
		},
		Untimed: []UntimedRules{{
			Program:  Program{ID: 9, Name: "ref_capable", Hook: "capable", Enforcer: "reference"},
			Workload: web, Kind: "cap", Rules: []string{"deny cap_sys_admin"}, Reason: "they are one value",
		}},
	}
	e.Rows[3].ShadowedBy, e.Rows[4].PastEnd = 1, true
	return e
}

func TestRuleCosts(t *testing.T) {
	costs := walked().Costs()
	for i, want := range []struct {
		rule        int
		mean, total float64
	}{{0, 220, 220_000}, {1, 210, 210_000}, {2, 210, 210_000}, {3, 210, 84_000}, {4, 120, 48_000}} {
		if c := costs[i]; c.Rule != want.rule || c.Mean != want.mean || c.Total != want.total {
			t.Errorf("rule %d: mean %v, total %v; want %+v", c.Rule, c.Mean, c.Total, want)
		}
	}
}

func TestFindings(t *testing.T) {
	var got bytes.Buffer
	for _, f := range walked().Findings() {
		got.WriteString(string(f.Kind) + ": " + f.Text + "\n")
	}
	golden.Equal(t, "findings.txt", got.Bytes())
}

func TestFindingsOfRulesThatAreFine(t *testing.T) {
	e := walked()
	e.Calibration.HashLookup = Median{}
	e.Rows = e.Rows[:1] // one rule, which matches
	e.Rows[0].Rule = 0
	if got := e.Findings(); len(got) > 0 {
		t.Errorf("%+v, want none", got)
	}
	if got := (&EachRule{}).Findings(); len(got) > 0 {
		t.Errorf("%+v of an empty pass", got)
	}
}

// Moving a rule to the front makes walks that earlier rules end look at one more.
func TestOrderCountsWhatTheOthersLose(t *testing.T) {
	e := walked()
	e.Rows[1].Matches = 10_000 // rule 0, before the one that matches 600 times
	e.Rows[2].Matches = 700
	for _, f := range e.Findings() {
		if f.Kind == FindingOrder {
			t.Errorf("%s", f.Text)
		}
	}
}

func TestEachRuleInJSON(t *testing.T) {
	var b bytes.Buffer
	s := sample()
	s.EachRule = walked()
	if err := s.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	doc, err := ReadJSON(&b)
	if err != nil {
		t.Fatal(err)
	}
	out, err := json.MarshalIndent(doc.EachRule, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden.Equal(t, "eachrule.json", append(out, '\n'))
}

func TestEachRuleAsPprof(t *testing.T) {
	var b bytes.Buffer
	if err := walked().Write(&b); err != nil {
		t.Fatal(err)
	}
	p, err := pprof.Parse(&b)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	var total int64
	for _, s := range p.Sample {
		got = append(got, s.Label["rule"][0])
		total += s.Value[2]
	}
	want := []string{
		"rule 0 (deny /a/**)", "rule 1 (deny /etc/**)", "rule 2 (deny /tmp/**)", "rule 3 (deny /etc/shadow)",
		"end of the rules",
	}
	if !slices.Equal(got, want) || total != 772_000 {
		t.Errorf("%s with %d ns, want %s with 772000 ns", strings.Join(got, "; "), total,
			strings.Join(want, "; "))
	}
}
