package enforcer

import (
	"errors"
	"fmt"
	"os"

	"github.com/cilium/ebpf"

	"github.com/lsmprof/lsmprof/internal/enforcer/rules"
)

// Rule is one rule as a person would write it.
type Rule = rules.Rule

// Listed holds rules by mount namespace. The key tracer.AllWorkloads holds those of every namespace without rules of
// its own.
type Listed map[uint32][]Rule

// lister is a Reader that can say what the rules are.
type lister interface{ List() (Listed, error) }

// List returns the rules in force as texts. It returns nil if lsmprof knows only their number.
func List(r Reader) (Listed, error) {
	if l, ok := r.(lister); ok {
		return l.List()
	}
	return nil, nil
}

// List returns what the reader of the walking programs does.
func (r constantReader) List() (Listed, error) { return List(r.Reader) }

// List returns the rules that programs walk. In complain mode they walk none.
func (r *reader) List() (all Listed, err error) {
	for range attempts {
		// An inner map may be replaced before its rules are read.
		if all, err = r.list(); !errors.Is(err, os.ErrNotExist) {
			break
		}
	}
	return all, err
}

func (r *reader) list() (Listed, error) {
	if _, err := r.readTables(); err != nil {
		return nil, err
	}
	c := r.confined()
	out := Listed{}
	for ns, mode := range c.modes {
		if r.mode != nil && mode != modeEnforce {
			continue
		}
		for i, kind := range [numOuter]string{rules.File, rules.Exec, rules.Net, rules.Mount} {
			some, err := r.decodeInner(kind, c.inner[i][ns], r.decode.outer[i])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", r.layout.outer[i].name, err)
			}
			out[ns] = append(out[ns], some...)
		}
		out[ns] = append(out[ns], r.single(c.caps[ns], c.ptrace[ns])...)
	}
	return out, nil
}

// mostRules bounds how many rules of a kind are read as texts.
const mostRules = 4096

// decodeInner returns the rules in an inner map: those with the keys 0, 1, 2, … up to the first gap.
func (r *reader) decodeInner(kind string, id ebpf.MapID, decode decoder) (all []Rule, err error) {
	if id == 0 {
		return nil, nil
	}
	m, err := ebpf.NewMapFromID(id)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	value := make(fields, m.ValueSize())
	for n := range mostRules {
		err := m.Lookup(uint32(n), []byte(value))
		if errors.Is(err, ebpf.ErrKeyNotExist) {
			break
		}
		if err != nil {
			return nil, err
		}
		text, scope := decode(value)
		all = append(all, Rule{Kind: kind, Index: n, Text: text, Scope: scope})
	}
	rules.MarkShadowed(all)
	return all, nil
}

// single returns the rules of a namespace that are in one value: capabilities and ptrace. nil: it has none.
func (r *reader) single(caps, ptrace fields) (all []Rule) {
	if caps != nil {
		all = capRules(r.decode.action(caps), caps.u64(len(caps)-8))
	}
	if ptrace != nil {
		text, _ := r.decode.ptrace(ptrace)
		all = append(all, Rule{Kind: rules.Ptrace, Text: text})
	}
	return all
}
