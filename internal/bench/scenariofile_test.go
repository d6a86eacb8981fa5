package bench

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
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
  compare: {enforcer: reference, rules: 2}
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
	if s := all[1]; s.State != "scenario policy-4" || s.Ready.Timeout != 90*time.Second ||
		s.Setup.Timeout != stepTimeout {
		t.Errorf("%+v", s)
	}
	if e := all[1].Expect; e == nil || e.None || e.Rules != (enforcer.Rules{File: 4}) {
		t.Errorf("expects %+v", e)
	}
	if c := all[2].Compare; c == nil || *c != (rundir.Compared{Enforcer: "reference", Rules: 2}) {
		t.Errorf("compares %+v", c)
	}
	if s := all[2]; s.State != rundir.Installed || s.Rules != (enforcer.Rules{File: 2, Exec: 1}) {
		t.Errorf("%+v", s)
	}
	if len(tests) != 1 || tests[0].Better != rundir.Higher {
		t.Errorf("%+v", tests)
	}
}

func TestScenarioFileErrorsSayWhere(t *testing.T) {
	const two = "scenarios:\n- name: a\n- name: b\n"
	for name, test := range map[string]struct{ file, want string }{
		"empty":          {"", "f.yaml:1:1: the file is empty"},
		"only a comment": {"# nothing", "f.yaml:1:1: the file is empty"},
		"a list":         {"- a", "f.yaml:1:1: the file: want fields"},
		"no list":        {"scenarios: 3", "f.yaml:1:12: scenarios: want a list"},
		"unknown anchor": {
			"scenarios:\n- name: x\n  setup: *no",
			"f.yaml:3: the alias *no has no anchor &no before it",
		},
		"a tab": {"scenarios:\n- name: x\n\trules: 1", "f.yaml:3: a tab indents this line: indent with spaces"},
		"unknown field of the file": {
			"defs: 1\nscenarios: []",
			`f.yaml:1:1: the file has no field "defs": it may have scenarios, tests, x-…`,
		},
		"unknown field": {"scenarios:\n- nam: x", `f.yaml:2:3: a scenario has no field "nam"`},
		"one scenario":  {"scenarios:\n- name: a", "f.yaml:1:1: 1 scenarios: want a baseline and"},
		"no name":       {"scenarios:\n- rules: 1", "f.yaml:2:3: a scenario needs a name"},
		"field twice": {
			"scenarios:\n- name: a\n  name: b",
			`f.yaml:3:3: field "name" occurs twice`,
		},
		"name twice": {
			"scenarios:\n- name: a\n- name: a",
			"f.yaml:3:3: a second scenario with the name a",
		},
		"control characters": {
			"scenarios:\n- name: \"a\\e[2J\"\n",
			`f.yaml:2:3: name "a\x1b[2J" has control characters`,
		},
		"bad rules":        {two + "  rules: x", "f.yaml:4:10: "},
		"bad timeout":      {two + "  setup: {run: x, timeout: soon}", `f.yaml:4:28: timeout "soon"`},
		"negative timeout": {two + "  setup: {run: x, timeout: -1s}", `f.yaml:4:28: timeout "-1s"`},
		"teardown alone": {
			two + "  teardown: x",
			"f.yaml:3:3: scenario b: ready, expect and teardown need",
		},
		"rules and commands": {
			two + "  rules: 1\n  setup: x",
			"f.yaml:4:10: scenario b: give rules of the reference enforcer or commands",
		},
		"bad test":     {two + "tests:\n- name: t\n  run: x\n  better: y", "f.yaml:5:3: better=y"},
		"expect alone": {two + "  expect: 3", "f.yaml:3:3: scenario b: ready, expect"},
		"bad compare": {
			two + "  setup: x\n  compare: {enforcer: a, rules: x}", "f.yaml:5:12: compare: want the name",
		},
		"bad expect": {two + "  setup: x\n  expect: y", "f.yaml:5:11: "},
		"syntax":     {"scenarios: [", "f.yaml:1: "},
		"tab":        {"scenarios:\n\t- name: a", "f.yaml:2: "},
		"second document": {
			two + "---\ntests:\n- name: sleepy\n  run: sleep 0.01\n",
			"f.yaml:4:1: a second document: write all",
		},
		"second document, list":    {two + "...\n---\n- x\n", "f.yaml:5:1: a second document"},
		"third document":           {"---\n" + two + "---\n---\ntests: []\n", "f.yaml:6:1: a second document"},
		"broken second document":   {two + "---\ntests: [\n", "f.yaml:5: "},
		"alias of another kind":    {"scenarios:\n- name: a\n- &b\n  name: b\n  setup: *b", "f.yaml:5:10: "},
		"alias without an anchor":  {two + "  setup: *c", "f.yaml:4: the alias *c has no anchor &c before it"},
		"merge of a text":          {two + "  <<: x", "f.yaml:4:7: a merge key takes a mapping"},
		"merge of a list of texts": {two + "  <<: [x]", "f.yaml:4:8: a merge key takes mappings"},
		"merge of itself": {
			"scenarios:\n- name: a\n- &b\n  name: b\n  <<: *b",
			"f.yaml:5:7: merge keys add more than 1000 mappings",
		},
		"unknown field merged": {
			"x-y: &y {nam: x}\n" + two + "  <<: *y",
			`f.yaml:1:10: a scenario has no field "nam"`,
		},
	} {
		if _, _, err := read(test.file); err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

// A file with anchors, aliases and merge keys says the same as one that is written out.
func TestScenarioFilesWithAliases(t *testing.T) {
	const written = `
scenarios:
- name: without
- name: rules-1
  setup: echo apply 1
  ready: {run: "true", timeout: 5s}
  teardown: echo delete
- name: rules-8
  setup: echo apply 8
  ready: {run: "true", timeout: 5s}
  teardown: echo delete
`
	want, _, err := read(written)
	if err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string]string{
		"texts": `
scenarios:
- name: without
- name: rules-1
  setup: echo apply 1
  ready: &ready {run: "true", timeout: &limit 5s}
  teardown: &clean echo delete
- name: rules-8
  setup: echo apply 8
  ready: {run: "true", timeout: *limit}
  teardown: *clean
`,
		"mappings": `
scenarios:
- name: without
- name: rules-1
  setup: echo apply 1
  ready: &ready {run: "true", timeout: 5s}
  teardown: echo delete
- name: rules-8
  setup: echo apply 8
  ready: *ready
  teardown: echo delete
`,
		"a merge key": `
scenarios:
- name: without
- &one
  name: rules-1
  setup: echo apply 1
  ready: {run: "true", timeout: 5s}
  teardown: echo delete
- <<: *one
  name: rules-8
  setup: echo apply 8
`,
		"a list of merged mappings, the first takes precedence": `
x-ready: &ready {ready: {run: "true", timeout: 5s}}
x-clean: &clean {teardown: echo delete, ready: "false"}
scenarios:
- name: without
- {name: rules-1, setup: echo apply 1, <<: [*ready, *clean]}
- {name: rules-8, setup: echo apply 8, <<: [*ready, *clean]}
`,
		"nested merge keys and a list": `
---
x-ready: &ready {ready: {run: "true", timeout: 5s}}
x-both: &both {<<: *ready, teardown: echo delete}
x-all: &all
- name: without
- {name: rules-1, setup: echo apply 1, <<: *both}
- {name: rules-8, setup: echo apply 8, <<: *both}
scenarios: *all
---
`,
	} {
		t.Run(name, func(t *testing.T) {
			if got, _, err := read(file); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%v: got %+v, want %+v", err, got, want)
			}
		})
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
	d.Confine(17, all[1]) // dealt again
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
	s := &rundir.Step{Run: "sleep 1000 & sleep 1000", Timeout: 50 * time.Millisecond}
	start := time.Now()
	if err := run(context.Background(), s, "setup"); err == nil ||
		!strings.Contains(err.Error(), "still running after 50ms") {
		t.Errorf("%v", err)
	}
	if time.Since(start) > time.Minute {
		t.Error("it waited for what the command left behind")
	}
}
