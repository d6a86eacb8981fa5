package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

// owners says whose a program is, and where its rules stand.
type owners struct {
	rulesMap string // of --rules-map
	rules    int    // of --rules; negative: not given

	groups []group // of programs that no product owns, at the last look
}

const rulesMapUsage = "count the rules of unknown enforcers in this map: `NAME[:KEY-PREFIX]`, the prefix as text or 0x…"

func (o *owners) flags(f *pflag.FlagSet) {
	f.StringVar(&o.rulesMap, "rules-map", "", rulesMapUsage)
	f.IntVar(&o.rules, "rules", -1, "the `number` of rules of unknown enforcers, where no map has it")
	f.Lookup("rules").DefValue = ""
}

func (o *owners) validate() error {
	switch {
	case o.rulesMap != "" && o.rules >= 0:
		return errors.New("--rules and --rules-map: give one of them")
	case o.rulesMap != "":
		if _, err := enforcer.ParseRulesMap(o.rulesMap); err != nil {
			return fmt.Errorf("--rules-map %w", err)
		}
	}
	return nil
}

// source is where the rules of unknown enforcers stand; false: not known.
func (o *owners) source() (s enforcer.RuleSource, known bool) {
	if o.rulesMap != "" {
		s, err := enforcer.ParseRulesMap(o.rulesMap)
		return s, err == nil
	}
	return enforcer.RuleSource{Number: o.rules}, o.rules >= 0
}

// owner is an enforcer with what it takes to read its rules.
type owner struct {
	name string
	owns func(tracer.Program) bool
	open func([]enforcer.Program) (enforcer.Reader, error) // nil: where its rules stand is not known
}

// look finds the enforcers that these programs belong to: products that lsmprof knows, and groups of programs that it does not.
func (o *owners) look(progs []tracer.Program) []owner {
	var all []owner
	for _, p := range enforcer.All() {
		all = append(all, owner{p.Name, func(prog tracer.Program) bool { return p.Owns(asProgram(prog)) }, p.Open})
	}
	unknown := slices.DeleteFunc(slices.Clone(progs), func(p tracer.Program) bool {
		return slices.ContainsFunc(all, func(known owner) bool { return known.owns(p) })
	})
	o.groups = groupsOf(unknown)
	for _, g := range o.groups {
		unknown := owner{name: g.name, owns: g.owns}
		if s, given := o.source(); given && (s.Map == "" || s.UsedBy(asPrograms(g.programs))) {
			unknown.open = s.Open
		}
		all = append(all, unknown)
	}
	return all
}

// enforcers are the owners as the tracer wants them.
func (o *owners) enforcers(progs []tracer.Program) []tracer.Enforcer {
	var all []tracer.Enforcer
	for _, own := range o.look(progs) {
		e := tracer.Enforcer{Name: own.name, Owns: own.owns}
		if own.open != nil {
			e.Open = func(progs []tracer.Program) (tracer.RuleReader, error) {
				r, err := own.open(asPrograms(progs))
				return ruleReader{r}, err
			}
		}
		all = append(all, e)
	}
	return all
}

// name is the enforcer of a program that was among those of the last look.
func (o *owners) name(p tracer.Program) string {
	for _, e := range enforcer.All() {
		if e.Owns(asProgram(p)) {
			return e.Name
		}
	}
	for _, g := range o.groups {
		if g.owns(p) {
			return g.name
		}
	}
	return tracer.Generic
}

func asProgram(p tracer.Program) enforcer.Program {
	return enforcer.Program{ID: p.ID, Name: p.Name, Hook: p.Hook, Maps: p.Maps}
}

func asPrograms(progs []tracer.Program) []enforcer.Program {
	var all []enforcer.Program
	for _, p := range progs {
		all = append(all, asProgram(p))
	}
	return all
}

// ruleReader makes a reader of a product's maps what the tracer wants to read.
type ruleReader struct{ enforcer.Reader }

func (r ruleReader) Read() (map[uint32]tracer.Policy, error) {
	policies, err := r.Reader.Read()
	out := make(map[uint32]tracer.Policy, len(policies))
	for ns, p := range policies {
		out[ns] = tracer.Policy{Generation: p.Generation, Rules: func(prog tracer.Program) int {
			if n, ok := p.For(prog.ID, prog.Hook); ok {
				return n
			}
			return profile.RulesUnknown
		}}
	}
	return out, err
}

// knownEnforcer says whether --enforcer may name it: a product, generic for all unknown ones, or generic:COMMAND.
func knownEnforcer(name string) bool {
	return slices.Contains(enforcerNames(), name) || strings.HasPrefix(name, tracer.Generic+":")
}

func enforcerNames() []string {
	var names []string
	for _, e := range enforcer.All() {
		names = append(names, e.Name)
	}
	return append(names, tracer.Generic)
}

// selectsEnforcer says whether --enforcer NAME is about the enforcer of a program.
func selectsEnforcer(name, of string) bool {
	return name == of || name == tracer.Generic && strings.HasPrefix(of, tracer.Generic+":")
}
