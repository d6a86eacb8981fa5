package bench

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/rundir"
)

// stepTimeout is what a command gets whose step names no time-out.
const stepTimeout = time.Minute

// ReadScenarios reads a scenario file. The first scenario is the baseline. parse turns numbers of rules, as --rules takes them,
// into rules of the reference enforcer. Every error begins with name:line:column.
func ReadScenarios(r io.Reader, name string, parse func(string) (enforcer.Rules, error)) ([]rundir.Scenario, []rundir.Test, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, nil, err
	}
	var doc yaml.Node
	if err := yaml.NewDecoder(bytes.NewReader(data)).Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, nil, fmt.Errorf("%s:1:1: the file is empty", name)
		}
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	f := &scenarioFile{name: name, parse: parse}
	f.root(doc.Content[0])
	if f.err == nil && len(f.scenarios) < 2 {
		f.fail(doc.Content[0], "%d scenarios: want a baseline and something to compare with it", len(f.scenarios))
	}
	if f.err != nil {
		return nil, nil, f.err
	}
	return rundir.WithSecondBaseline(f.scenarios), f.tests, nil
}

// scenarioFile keeps the first error.
type scenarioFile struct {
	name      string
	parse     func(string) (enforcer.Rules, error)
	scenarios []rundir.Scenario
	tests     []rundir.Test
	err       error
}

func (f *scenarioFile) fail(n *yaml.Node, format string, args ...any) {
	if f.err == nil {
		f.err = fmt.Errorf("%s:%d:%d: %s", f.name, n.Line, n.Column, fmt.Sprintf(format, args...))
	}
}

// fields calls a function for each key of a mapping, and fails where there is none for it.
func (f *scenarioFile) fields(n *yaml.Node, what string, known map[string]func(*yaml.Node)) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.MappingNode {
		f.fail(n, "%s: want fields and values", what)
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		set := known[key.Value]
		switch {
		case set == nil:
			f.fail(key, "%s has no field %q", what, key.Value)
		case seen[key.Value]:
			f.fail(key, "%s: field %q is there twice", what, key.Value)
		default:
			seen[key.Value] = true
			set(value)
		}
	}
}

func (f *scenarioFile) each(n *yaml.Node, what string, one func(*yaml.Node)) {
	if n.Kind != yaml.SequenceNode {
		f.fail(n, "%s: want a list", what)
		return
	}
	for _, item := range n.Content {
		one(item)
	}
}

func (f *scenarioFile) text(to *string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if n.Kind != yaml.ScalarNode || n.Value == "" {
			f.fail(n, "want a text")
			return
		}
		*to = n.Value
	}
}

func (f *scenarioFile) root(n *yaml.Node) {
	f.fields(n, "the file", map[string]func(*yaml.Node){
		"scenarios": func(n *yaml.Node) { f.each(n, "scenarios", f.scenario) },
		"tests":     func(n *yaml.Node) { f.each(n, "tests", f.test) },
	})
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
	})
	switch {
	case s.Name == "":
		f.fail(n, "a scenario needs a name")
	case s.Name == rundir.SecondBaselineName:
		f.fail(n, "the name %s is taken: the second baseline has it", rundir.SecondBaselineName)
	case rulesNode != nil && (s.Setup != nil || s.Ready != nil || s.Teardown != nil):
		f.fail(rulesNode, "rules of the reference enforcer and commands: give one of them")
	case s.Setup == nil && (s.Ready != nil || s.Teardown != nil || expectNode != nil):
		f.fail(n, "scenario %s: ready, expect and teardown need a setup", s.Name)
	}
	for _, other := range f.scenarios {
		if other.Name == s.Name {
			f.fail(n, "a second scenario %s", s.Name)
		}
	}
	if rulesNode != nil && f.err == nil {
		s.State = rundir.Installed
		if rules != "none" { // installed, no policy
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

// number reads a number of rules.
func (f *scenarioFile) number(s string, n *yaml.Node) enforcer.Rules {
	r, err := f.parse(s)
	if err != nil {
		f.fail(n, "%v", err)
	}
	return r
}

// step reads a command, as a text or with a time-out.
func (f *scenarioFile) step(n *yaml.Node) *rundir.Step {
	s := &rundir.Step{Timeout: stepTimeout}
	if n.Kind == yaml.ScalarNode {
		f.text(&s.Run)(n)
		return s
	}
	f.fields(n, "a command", map[string]func(*yaml.Node){
		"run": f.text(&s.Run),
		"timeout": func(n *yaml.Node) {
			d, err := time.ParseDuration(n.Value)
			if err != nil || d <= 0 {
				f.fail(n, "timeout %q: want a duration such as 30s", n.Value)
			}
			s.Timeout = d
		},
	})
	if s.Run == "" {
		f.fail(n, "a command needs run")
	}
	return s
}

func (f *scenarioFile) test(n *yaml.Node) {
	var t rundir.Test
	f.fields(n, "a test", map[string]func(*yaml.Node){
		"name": f.text(&t.Name), "run": f.text(&t.Run), "metric": f.text(&t.Metric), "better": f.text(&t.Better), "unit": f.text(&t.Unit),
	})
	if f.err == nil {
		if err := CheckCommand(&t); err != nil {
			f.fail(n, "%v", err)
		}
	}
	f.tests = append(f.tests, t)
}
