package bench

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/enforcer/reference"
	"github.com/lsmprof/lsmprof/internal/rundir"
)

const goodScenarios = `
scenarios:
- name: without
- name: policy-4
  setup: kubectl apply -f policy-4.yaml
  ready: {run: kubectl get vp policy-4, timeout: 90s}
  expect: file=4
  teardown: kubectl delete -f policy-4.yaml
- name: ours
  rules: file=2,exec=1
tests:
- name: redis
  run: redis-benchmark -q -t get
  metric: "([0-9.]+) requests"
`

func read(s string) ([]rundir.Scenario, []rundir.Test, error) {
	return ReadScenarios(strings.NewReader(s), "f.yaml", reference.ParseRules)
}

func TestReadScenarios(t *testing.T) {
	all, tests, err := read(goodScenarios)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 4 || !all[3].SecondBaseline || all[3].State != all[0].State {
		t.Fatalf("%+v", all)
	}
	if s := all[1]; s.State != "scenario policy-4" || s.Ready.Timeout != 90*time.Second || s.Setup.Timeout != stepTimeout {
		t.Errorf("%+v", s)
	}
	if e := all[1].Expect; e == nil || e.None || e.Rules != (enforcer.Rules{File: 4}) {
		t.Errorf("expects %+v", e)
	}
	if s := all[2]; s.State != rundir.Installed || s.Rules != (enforcer.Rules{File: 2, Exec: 1}) {
		t.Errorf("%+v", s)
	}
	if len(tests) != 1 || tests[0].Better != rundir.Higher {
		t.Errorf("%+v", tests)
	}
}

func TestScenarioFileErrorsSayWhere(t *testing.T) {
	for s, want := range map[string]string{
		"":                                 "f.yaml:1:1: the file is empty",
		"- a":                              "f.yaml:1:1: the file: want fields",
		"scenarios: 3":                     "f.yaml:1:12: scenarios: want a list",
		"scenarios:\n- nam: x":             `f.yaml:2:3: a scenario has no field "nam"`,
		"scenarios:\n- name: a":            "f.yaml:1:1: 1 scenarios",
		"scenarios:\n- rules: 1":           "f.yaml:2:3: a scenario needs a name",
		"scenarios:\n- name: a\n  name: b": `f.yaml:3:3: a scenario: field "name" is there twice`,
		"scenarios:\n- name: a\n- name: a": "f.yaml:3:3: a second scenario a",
		"scenarios:\n- name: a\n- name: b\n  rules: x":                               "f.yaml:4:10: ",
		"scenarios:\n- name: a\n- name: b\n  setup: {run: x, timeout: soon}":         `f.yaml:4:28: timeout "soon"`,
		"scenarios:\n- name: a\n- name: b\n  teardown: x":                            "f.yaml:3:3: scenario b: ready, expect and teardown need",
		"scenarios:\n- name: a\n- name: b\n  rules: 1\n  setup: x":                   "f.yaml:4:10: rules of the reference",
		"scenarios:\n- name: a\n- name: b\ntests:\n- name: t\n  run: x\n  better: y": "f.yaml:5:3: better=y",
		"scenarios:\n- name: a\n- name: b\n  expect: 3":                              "f.yaml:3:3: scenario b: ready, expect",
		"scenarios:\n- name: a\n- name: b\n  setup: x\n  expect: y":                  "f.yaml:5:11: ",
		"scenarios: [": "f.yaml: yaml: line 1",
	} {
		if _, _, err := read(s); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want %q", s, err, want)
		}
	}
}

func FuzzReadScenarios(f *testing.F) {
	f.Add(goodScenarios)
	f.Fuzz(func(t *testing.T, s string) {
		if all, _, err := read(s); err == nil && len(all) < 3 {
			t.Errorf("%q: %d scenarios without an error", s, len(all))
		}
	})
}

func TestScriptedScenarios(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	t.Setenv("LOG", log)
	all, _, err := read(`
scenarios:
- name: without
- name: a
  setup: echo setup $LSMPROF_SCENARIO $LSMPROF_MNTNS >>$LOG
  ready: echo ready >>$LOG; test $(grep -c ready $LOG) -ge 2
  teardown: echo teardown $LSMPROF_SCENARIO >>$LOG
- name: b
  setup: "false"
  teardown: echo teardown b >>$LOG
`)
	if err != nil {
		t.Fatal(err)
	}
	d := &Scripted{Own: NoEnforcer{}, Scenarios: all}
	d.Confine(17, all[0])
	d.Confine(17, all[1]) // dealt anew
	d.Confine(18, all[1])
	ctx := context.Background()
	if err := d.Switch(ctx, all[1].State); err != nil {
		t.Fatal(err)
	}
	// A setup that fails may have done half of its work.
	if err := d.Switch(ctx, all[2].State); err == nil || !strings.Contains(err.Error(), "setup of b") {
		t.Errorf("%v", err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	got, _ := os.ReadFile(log)
	if want := "setup a 17,18\nready\nready\nteardown a\nteardown b\n"; string(got) != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestStepTimeout(t *testing.T) {
	s := &rundir.Step{Run: "sleep 10 & sleep 10", Timeout: 50 * time.Millisecond}
	start := time.Now()
	if err := run(context.Background(), s, "setup"); err == nil || !strings.Contains(err.Error(), "still running after 50ms") {
		t.Errorf("%v", err)
	}
	if time.Since(start) > 5*time.Second {
		t.Error("it waited for what the command left behind")
	}
}
