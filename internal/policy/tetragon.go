package policy

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/lsmprof/lsmprof/internal/text"
)

// tracingPolicy has the parts of a TracingPolicy that load programs.
type tracingPolicy struct {
	LSMHooks []struct {
		Hook      string      `yaml:"hook"`
		Selectors []yaml.Node `yaml:"selectors"`
	} `yaml:"lsmhooks"`
	Kprobes     []yaml.Node `yaml:"kprobes"`
	Tracepoints []yaml.Node `yaml:"tracepoints"`
	Uprobes     []yaml.Node `yaml:"uprobes"`
}

// countTetragon counts the selectors of each hook, which are what its program walks. A hook without selectors matches
// every call and counts as one rule.
func countTetragon(p *Policy, spec *yaml.Node) error {
	var t tracingPolicy
	if err := spec.Decode(&t); err != nil {
		return fmt.Errorf("spec: %s", brief(err))
	}
	p.Hooks = map[string]int{}
	for i, h := range t.LSMHooks {
		hook := strings.TrimSpace(h.Hook)
		if hook == "" {
			return fmt.Errorf("lsmhooks %d has no hook", i+1)
		}
		n := max(1, len(h.Selectors))
		p.Hooks[text.Clean(hook, 64, "")] += n
		*p.Rules.Kind(hook) += n
	}
	for _, other := range []struct {
		n    int
		name string
	}{{len(t.Kprobes), "kprobes"}, {len(t.Tracepoints), "tracepoints"}, {len(t.Uprobes), "uprobes"}} {
		if other.n > 0 {
			p.note("%s (%d): no LSM programs, and not in this forecast", other.name, other.n)
		}
	}
	if len(t.LSMHooks) == 0 {
		p.note("it has no lsmhooks, and so loads no LSM program")
	}
	return nil
}
