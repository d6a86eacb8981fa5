package bench

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/yamlerr"
)

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
