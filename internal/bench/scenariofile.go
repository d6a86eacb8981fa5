package bench

import (
	"io"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/rundir"
)

// stepTimeout is how long a command may run whose step has no timeout.
const stepTimeout = time.Minute

// ReadScenarios reads a scenario file: one YAML document, in which anchors, aliases and merge keys may save
// repetitions. The first scenario is the baseline. parse turns a number of rules, such as "8" or "file=8,exec=2", into
// rules of the reference enforcer. Every error begins with the name of the file and the line.
func ReadScenarios(
	r io.Reader, name string, parse func(string) (enforcer.Rules, error),
) ([]rundir.Scenario, []rundir.Test, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, nil, err
	}
	f := &scenarioFile{name: name, parse: parse}
	root, err := f.document(data)
	if err != nil {
		return nil, nil, err
	}
	f.root(root)
	if f.err == nil && len(f.scenarios) < 2 {
		f.fail(root, "%d scenarios: want a baseline and at least one to compare with it", len(f.scenarios))
	}
	if f.err != nil {
		return nil, nil, f.err
	}
	return rundir.WithSecondBaseline(f.scenarios), f.tests, nil
}

// root reads the document. Fields that begin with "x-" are ignored: they hold anchors.
func (f *scenarioFile) root(n *yaml.Node) {
	known := map[string]func(*yaml.Node){
		"x-…":       func(*yaml.Node) {},
		"scenarios": func(n *yaml.Node) { f.each(n, "scenarios", f.scenario) },
		"tests":     func(n *yaml.Node) { f.each(n, "tests", f.test) },
	}
	if resolve(n).Kind == yaml.MappingNode {
		for _, p := range f.pairs(n) {
			if strings.HasPrefix(p.key.Value, "x-") {
				known[p.key.Value] = func(*yaml.Node) {}
			}
		}
	}
	f.fields(n, "the file", known)
}

func (f *scenarioFile) scenario(n *yaml.Node) {
	s := rundir.Scenario{State: rundir.Removed}
	var rules, expect string
	var rulesNode, expectNode *yaml.Node
	f.fields(n, "a scenario", map[string]func(*yaml.Node){
		"name":     f.text(&s.Name),
		"rules":    func(n *yaml.Node) { rulesNode = n; f.text(&rules)(n) },
		"setup":    func(n *yaml.Node) { s.Setup = f.step(n) },
		"ready":    func(n *yaml.Node) { s.Ready = f.step(n) },
		"teardown": func(n *yaml.Node) { s.Teardown = f.step(n) },
		"expect":   func(n *yaml.Node) { expectNode = n; f.text(&expect)(n) },
		"compare":  func(n *yaml.Node) { s.Compare = f.compared(n) },
	})
	switch {
	case s.Name == "":
		f.fail(n, "a scenario needs a name")
	case s.Name == rundir.SecondBaselineName:
		f.fail(n, "the name %s is taken by the second baseline; choose another one", rundir.SecondBaselineName)
	case rulesNode != nil && (s.Setup != nil || s.Ready != nil || s.Teardown != nil):
		f.fail(rulesNode, "scenario %s: give rules of the reference enforcer or commands, not both", s.Name)
	case s.Setup == nil && (s.Ready != nil || s.Teardown != nil || expectNode != nil):
		f.fail(n, "scenario %s: ready, expect and teardown need a setup", s.Name)
	}
	f.checkName(n, s.Name)
	for _, other := range f.scenarios {
		if other.Name == s.Name {
			f.fail(n, "a second scenario with the name %s", s.Name)
		}
	}
	if rulesNode != nil && f.err == nil {
		s.State = rundir.Installed
		if rules != "none" { // installed, without a policy
			s.Confined, s.Rules = true, f.number(rules, rulesNode)
		}
	}
	if expectNode != nil && f.err == nil {
		s.Expect = &rundir.Expect{None: expect == "none"}
		if !s.Expect.None {
			s.Expect.Rules = f.number(expect, expectNode)
		}
	}
	if s.Setup != nil {
		s.State = rundir.State("scenario " + s.Name)
	}
	f.scenarios = append(f.scenarios, s)
}

// compared reads what a scenario stands for in the comparison of enforcers: {enforcer: apparmor, rules: 8}.
func (f *scenarioFile) compared(n *yaml.Node) *rundir.Compared {
	var c rundir.Compared
	var rules string
	f.fields(n, "compare", map[string]func(*yaml.Node){"enforcer": f.text(&c.Enforcer), "rules": f.text(&rules)})
	var err error
	if c.Rules, err = strconv.Atoi(rules); err != nil || c.Rules < 0 || c.Enforcer == "" {
		f.fail(n, "compare: want the name of an enforcer and a number of rules: {enforcer: apparmor, rules: 8}")
	}
	return &c
}

func (f *scenarioFile) checkName(n *yaml.Node, name string) {
	if err := rundir.CheckName(name); err != nil {
		f.fail(n, "%v", err)
	}
}

// number reads a number of rules.
func (f *scenarioFile) number(s string, n *yaml.Node) enforcer.Rules {
	r, err := f.parse(s)
	if err != nil {
		f.fail(n, "%v", err)
	}
	return r
}

// step reads a command: a text, or a mapping with a timeout.
func (f *scenarioFile) step(n *yaml.Node) *rundir.Step {
	s := &rundir.Step{Timeout: stepTimeout}
	if resolve(n).Kind == yaml.ScalarNode {
		f.text(&s.Run)(n)
		return s
	}
	f.fields(n, "a command", map[string]func(*yaml.Node){
		"run": f.text(&s.Run),
		"timeout": func(n *yaml.Node) {
			d, err := time.ParseDuration(resolve(n).Value)
			if err != nil || d <= 0 {
				f.fail(n, "timeout %q: want a duration such as 30s", resolve(n).Value)
			}
			s.Timeout = d
		},
	})
	if s.Run == "" {
		f.fail(n, "a command needs the field run")
	}
	return s
}

func (f *scenarioFile) test(n *yaml.Node) {
	var t rundir.Test
	f.fields(n, "a test", map[string]func(*yaml.Node){
		"name": f.text(&t.Name), "run": f.text(&t.Run), "metric": f.text(&t.Metric),
		"better": f.text(&t.Better), "unit": f.text(&t.Unit),
	})
	if f.err == nil {
		if err := CheckCommand(&t); err != nil {
			f.fail(n, "%v", err)
		}
	}
	f.tests = append(f.tests, t)
}
