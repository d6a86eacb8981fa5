package inforce

import (
	"fmt"

	"github.com/lsmprof/lsmprof/internal/enforcer"
)

// Rules are the rules of one enforcer as texts.
type Rules struct {
	Enforcer string
	// Rules is nil if lsmprof cannot decode the rules. Reading.Err says so if they cannot be read at all.
	Rules enforcer.Listed
	Err   error // why they could not be decoded
}

// ListRules looks at the machine, and decodes the rules of every enforcer that has a program attached.
func (r *Registry) ListRules() ([]Rules, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.look(); err != nil {
		return nil, err
	}
	var out []Rules
	for _, e := range r.read().Enforcers {
		open, ok := r.readers[e.Name]
		if !ok {
			continue
		}
		listed := Rules{Enforcer: e.Name}
		if listed.Rules, listed.Err = enforcer.List(open.Reader); listed.Err != nil {
			listed.Err = fmt.Errorf("decode the rules of %s: %w", e.Name, listed.Err)
			r.close(e.Name)
		}
		out = append(out, listed)
	}
	return out, nil
}
