package cli

import (
	"github.com/cilium/ebpf"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

// products are those that lsmprof knows, in the order they are asked whether a program is theirs.
func products() []enforcer.Product { return []enforcer.Product{enforcer.VArmor, enforcer.Reference} }

// enforcers are the products as the tracer wants them.
func enforcers() []tracer.Enforcer {
	var all []tracer.Enforcer
	for _, p := range products() {
		all = append(all, tracer.Enforcer{Name: p.Name, Owns: p.Owns, Open: func(progs []tracer.Program) (tracer.RuleReader, error) {
			r, err := p.Open(mapsOf(progs))
			return ruleReader{r}, err
		}})
	}
	return all
}

func mapsOf(progs []tracer.Program) []ebpf.MapID {
	var maps []ebpf.MapID
	for _, p := range progs {
		maps = append(maps, p.Maps...)
	}
	return maps
}

// ruleReader makes a reader of a product's maps what the tracer wants to read.
type ruleReader struct{ *enforcer.Reader }

func (r ruleReader) Read() (map[uint32]tracer.Policy, error) {
	policies, err := r.Reader.Read()
	out := make(map[uint32]tracer.Policy, len(policies))
	for ns, p := range policies {
		out[ns] = tracer.Policy{Generation: p.Generation, Hook: func(hook string) int {
			if n, ok := p.Rules.ForHook(hook); ok {
				return n
			}
			return profile.RulesUnknown
		}}
	}
	return out, err
}

func enforcerNames() []string {
	var names []string
	for _, e := range products() {
		names = append(names, e.Name)
	}
	return append(names, tracer.Generic)
}

func enforcerOf(program string) string {
	for _, e := range products() {
		if e.Owns(program) {
			return e.Name
		}
	}
	return tracer.Generic
}
