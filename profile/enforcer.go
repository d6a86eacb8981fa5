package profile

import (
	"maps"
	"slices"
)

// EnforcerCost is what one enforcer cost, and how much of it where it had nothing to check. Times are ns.
type EnforcerCost struct {
	Name    string  `json:"enforcer"`
	Hook    float64 `json:"hook_ns"`
	Idle    float64 `json:"idle_ns"`    // of Hook, in workloads without a rule that the program would walk
	Unknown float64 `json:"unknown_ns"` // of Hook, where the number of rules is unknown
}

// Enforcers returns the costs of each enforcer, sorted by name.
func (c *Costs) Enforcers() []EnforcerCost {
	byName := map[string]*EnforcerCost{}
	for i := range c.Rows {
		r := &c.Rows[i]
		e := byName[r.Program.Enforcer]
		if e == nil {
			e = &EnforcerCost{Name: r.Program.Enforcer}
			byName[e.Name] = e
		}
		e.Hook += r.Hook
		switch r.Rules {
		case 0:
			e.Idle += r.Hook
		case RulesUnknown:
			e.Unknown += r.Hook
		}
	}
	out := []EnforcerCost{}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		out = append(out, *byName[name])
	}
	return out
}
