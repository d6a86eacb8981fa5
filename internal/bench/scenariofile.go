package bench

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/yamlerr"
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

// scenarioFile keeps the first error.
type scenarioFile struct {
	name      string
	parse     func(string) (enforcer.Rules, error)
	scenarios []rundir.Scenario
	tests     []rundir.Test
	merged    int // mappings that merge keys added
	err       error
}

func (f *scenarioFile) fail(n *yaml.Node, format string, args ...any) {
	if f.err == nil {
		f.err = fmt.Errorf("%s:%d:%d: %s", f.name, n.Line, n.Column, fmt.Sprintf(format, args...))
	}
}

// document returns the only document of the file. A second one may be empty, as behind a final "---".
func (f *scenarioFile) document(data []byte) (*yaml.Node, error) {
	var first *yaml.Node
	for d := yaml.NewDecoder(bytes.NewReader(data)); ; {
		var doc yaml.Node
		err := d.Decode(&doc)
		switch {
		case errors.Is(err, io.EOF) && first == nil:
			return nil, fmt.Errorf("%s:1:1: the file is empty", f.name)
		case errors.Is(err, io.EOF):
			return first, nil
		case err != nil:
			line, what := yamlerr.Line(data, err)
			return nil, fmt.Errorf("%s:%d: %s", f.name, line, what)
		}
		content := doc.Content[0]
		switch empty := content.Kind == yaml.ScalarNode && content.Tag == "!!null"; {
		case empty:
		case first != nil:
			return nil, fmt.Errorf("%s:%d:%d: a second document: write all scenarios and tests into one, "+
				"without \"---\" between them", f.name,
				doc.Line, doc.Column)
		default:
			first = content
		}
	}
}

// resolve follows an alias to the node that it stands for.
func resolve(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// fields calls a function for each key of a mapping, and fails on keys that are unknown.
func (f *scenarioFile) fields(n *yaml.Node, what string, known map[string]func(*yaml.Node)) {
	if resolve(n).Kind != yaml.MappingNode {
		f.fail(n, "%s: want fields and values", what)
		return
	}
	all := f.pairs(n)
	for _, p := range all {
		if set := known[p.key.Value]; set != nil {
			set(p.value)
			continue
		}
		at := p.key
		if n.Kind == yaml.AliasNode { // the mapping may be right where its anchor is
			at = n
		}
		f.fail(at, "%s has no field %q: it may have %s", what, p.key.Value,
			strings.Join(slices.Sorted(maps.Keys(known)), ", "))
	}
}

// pair is a field of a mapping.
type pair struct{ key, value *yaml.Node }

// pairs returns the fields of a mapping, with those that merge keys add.
func (f *scenarioFile) pairs(n *yaml.Node) []pair {
	var own, merged []pair
	has := func(all []pair, key string) bool {
		return slices.ContainsFunc(all, func(p pair) bool { return p.key.Value == key })
	}
	content := resolve(n).Content
	for i := 0; i+1 < len(content) && f.err == nil; i += 2 {
		key, value := content[i], content[i+1]
		switch {
		case key.Tag == "!!merge":
			for _, p := range f.merge(value) {
				if !has(merged, p.key.Value) {
					merged = append(merged, p)
				}
			}
		case has(own, key.Value):
			f.fail(key, "field %q occurs twice", key.Value)
		default:
			own = append(own, pair{key, value})
		}
	}
	for _, p := range merged {
		if !has(own, p.key.Value) {
			own = append(own, p)
		}
	}
	return own
}

// mostMerged bounds the mappings that merge keys may add. Merge keys can nest, and so grow exponentially or without
// end.
const mostMerged = 1000

// merge returns the fields that the value of a merge key adds: those of a mapping, or of a list of mappings. Of these,
// earlier ones take precedence.
func (f *scenarioFile) merge(n *yaml.Node) (all []pair) {
	if f.merged++; f.merged > mostMerged {
		f.fail(n, "merge keys add more than %d mappings: does an anchor contain itself?", mostMerged)
		return nil
	}
	switch target := resolve(n); target.Kind {
	case yaml.MappingNode:
		return f.pairs(n)
	case yaml.SequenceNode:
		for _, item := range target.Content {
			if resolve(item).Kind != yaml.MappingNode {
				f.fail(item, "a merge key takes mappings")
				return nil
			}
			all = append(all, f.pairs(item)...)
		}
		return all
	}
	f.fail(n, "a merge key takes a mapping or a list of mappings")
	return nil
}

func (f *scenarioFile) each(n *yaml.Node, what string, one func(*yaml.Node)) {
	if resolve(n).Kind != yaml.SequenceNode {
		f.fail(n, "%s: want a list", what)
		return
	}
	for _, item := range resolve(n).Content {
		one(item)
	}
}

func (f *scenarioFile) text(to *string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		value := resolve(n)
		if value.Kind != yaml.ScalarNode || value.Value == "" {
			f.fail(n, "want a text")
			return
		}
		*to = value.Value
	}
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
