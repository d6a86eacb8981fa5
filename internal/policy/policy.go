// Package policy counts the rules of a policy as the product that reads it would load them. It is pure: it asks no
// cluster, and says in a note what only a cluster knows.
package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/lsmprof/lsmprof/internal/enforcer/rules"
	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/internal/yamlerr"
)

// Policy is what one policy loads.
type Policy struct {
	Kind     string // VarmorPolicy; of several policies the product
	Name     string
	Enforcer string // varmor, kubearmor or tetragon
	Rules    rules.Rules
	// Hooks holds the number of rules by hook where each hook has its own program, as Tetragon's have.
	Hooks map[string]int
	Notes []string // sentences: what the product ignores, and what only the cluster knows
}

func (p *Policy) note(format string, args ...any) {
	p.Notes = append(p.Notes, fmt.Sprintf(format, args...))
}

// Limits on a file, which may come from anywhere.
const (
	maxBytes    = 4 << 20
	maxPolicies = 1000
)

// document has what all policies share.
type document struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`
	Metadata   struct {
		Name string `yaml:"name"`
	} `yaml:"metadata"`
	Spec  yaml.Node   `yaml:"spec"`
	Items []yaml.Node `yaml:"items"`
}

// counters are by kind. Each counts the rules of a specification.
func counters() map[string]struct {
	enforcer string
	count    func(p *Policy, spec *yaml.Node) error
} {
	type counter = struct {
		enforcer string
		count    func(p *Policy, spec *yaml.Node) error
	}
	return map[string]counter{
		"VarmorPolicy":            {"varmor", countVarmor},
		"VarmorClusterPolicy":     {"varmor", countVarmor},
		"KubeArmorPolicy":         {"kubearmor", countKubeArmor},
		"KubeArmorClusterPolicy":  {"kubearmor", countKubeArmor},
		"KubeArmorHostPolicy":     {"kubearmor", countKubeArmor},
		"TracingPolicy":           {"tetragon", countTetragon},
		"TracingPolicyNamespaced": {"tetragon", countTetragon},
	}
}

// Read counts the rules of the policies in a YAML or JSON file, which may have several documents or be a list. Other
// objects, such as the workload, are ignored. It fails if the file has no policy that it knows, or one that its product
// refuses.
func Read(r io.Reader) ([]Policy, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxBytes+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxBytes {
		return nil, fmt.Errorf("more than %d MiB", maxBytes>>20)
	}
	var out []Policy
	var others []string
	for d := yaml.NewDecoder(bytes.NewReader(data)); ; {
		var doc document
		err := d.Decode(&doc)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			line, what := yamlerr.Line(data, err)
			return nil, fmt.Errorf("not a policy: line %d: %s", line, what)
		}
		more, other, err := doc.policies(0)
		if err != nil {
			return nil, err
		}
		if out, others = append(out, more...), append(others, other...); len(out) > maxPolicies {
			return nil, fmt.Errorf("more than %d policies", maxPolicies)
		}
	}
	if len(out) > 0 {
		return out, nil
	}
	if len(others) > 0 {
		return nil, fmt.Errorf("no policy that lsmprof knows, but %s; it counts the rules of VarmorPolicy, "+
			"KubeArmorPolicy and TracingPolicy", text.Clean(text.List(others), 200, ""))
	}
	return nil, errors.New("no policy: want a VarmorPolicy, KubeArmorPolicy or TracingPolicy in YAML")
}

var yamlLine = regexp.MustCompile(`\s*\n\s*`)

// brief returns the error of the YAML package in one line.
func brief(err error) string {
	return text.Clean(yamlLine.ReplaceAllString(strings.TrimPrefix(err.Error(), "yaml: "), " "), 300, "")
}

// policies returns the policies of a document, and the kinds of its other objects.
func (d *document) policies(depth int) (out []Policy, others []string, err error) {
	if strings.HasSuffix(d.Kind, "List") && len(d.Items) > 0 && depth == 0 {
		for i := range d.Items {
			var item document
			if err := d.Items[i].Decode(&item); err != nil {
				return nil, nil, fmt.Errorf("item %d of the list: %s", i+1, brief(err))
			}
			more, other, err := item.policies(depth + 1)
			if err != nil {
				return nil, nil, err
			}
			out, others = append(out, more...), append(others, other...)
		}
		return out, others, nil
	}
	c, ok := counters()[d.Kind]
	if !ok {
		if d.Kind != "" {
			others = append(others, d.Kind)
		}
		return nil, others, nil
	}
	p := Policy{Kind: d.Kind, Name: text.Clean(d.Metadata.Name, 100, ""), Enforcer: c.enforcer}
	if d.Spec.Kind == 0 {
		return nil, nil, fmt.Errorf("%s %s has no spec", p.Kind, p.Name)
	}
	if err := c.count(&p, &d.Spec); err != nil {
		return nil, nil, fmt.Errorf("%s %s: %w", p.Kind, p.Name, err)
	}
	return []Policy{p}, nil, nil
}

// Sum returns the rules that several policies load together for one workload.
func Sum(all []Policy) (Policy, error) {
	sum := Policy{Enforcer: all[0].Enforcer, Kind: all[0].Kind, Name: all[0].Name, Hooks: map[string]int{}}
	for i, p := range all {
		if p.Enforcer != sum.Enforcer {
			return sum, fmt.Errorf("policies of %s and %s: forecast each for itself", sum.Enforcer,
				p.Enforcer)
		}
		if i > 0 && p.Enforcer == "varmor" {
			return sum, fmt.Errorf("the vArmor policies %s and %s: a container can have only one",
				sum.Name, p.Name)
		}
		for _, kind := range rules.Kinds() {
			*sum.Rules.Named(kind) += *p.Rules.Named(kind)
		}
		for hook, n := range p.Hooks {
			sum.Hooks[hook] += n
		}
		for _, n := range p.Notes {
			if len(all) > 1 {
				n = p.Name + ": " + n
			}
			sum.Notes = append(sum.Notes, n)
		}
	}
	if len(all) > 1 {
		sum.Kind, sum.Name = text.Enforcer(sum.Enforcer), fmt.Sprintf("%d policies", len(all))
	}
	return sum, nil
}
