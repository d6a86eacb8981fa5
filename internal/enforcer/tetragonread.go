package enforcer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"github.com/cilium/ebpf"

	"github.com/lsmprof/lsmprof/tracer"
)

// tetragonState is what is in force: for each sensor its number of selectors and its policy, and the cgroups that each
// policy applies to.
type tetragonState struct {
	selectors []int // 0: every call is one rule
	policy    []uint32
	members   map[uint32]map[uint64]bool
}

// walks reports whether the i-th sensor applies to a cgroup.
func (s *tetragonState) walks(i int, cgroup uint64) bool {
	return s.policy[i] == 0 || s.members[s.policy[i]][cgroup]
}

func (r *tetragonReader) state() (*tetragonState, error) {
	s := &tetragonState{selectors: make([]int, len(r.sensors)), policy: make([]uint32, len(r.sensors))}
	for i, sensor := range r.sensors {
		filter, err := sensor.filter.LookupBytes(uint32(0))
		if err != nil {
			return nil, fmt.Errorf("selectors of program %d: %w", sensor.program.ID, err)
		}
		config, err := sensor.config.LookupBytes(uint32(0))
		if err != nil {
			return nil, fmt.Errorf("policy of program %d: %w", sensor.program.ID, err)
		}
		if len(filter) < 4 || len(config) < sensor.policyID+4 {
			return nil, fmt.Errorf("program %d has no selectors yet", sensor.program.ID)
		}
		s.selectors[i] = int(binary.NativeEndian.Uint32(filter))
		s.policy[i] = binary.NativeEndian.Uint32(config[sensor.policyID:])
	}
	var err error
	s.members, err = r.members(s.policy)
	return s, err
}

// Read returns the policies that apply to every workload under tracer.AllWorkloads, and those of workloads to which
// others apply as well by mount namespace.
func (r *tetragonReader) Read() (Policies, error) {
	state, err := r.state()
	if err != nil {
		return nil, err
	}
	of := func(cgroup uint64) Policy {
		counts := newProgramRules()
		p := Policy{programs: counts}
		generation := make([]entry, len(r.sensors))
		for i, s := range r.sensors {
			n := 0
			if state.walks(i, cgroup) {
				n = max(1, state.selectors[i])
			}
			counts.add(s.program, n)
			*p.Rules.Kind(s.program.Hook) += n
			generation[i].value = binary.NativeEndian.AppendUint32(nil, uint32(n))
		}
		p.Generation = digest(generation)
		return p
	}
	out := Policies{tracer.AllWorkloads: of(0)}
	if len(state.members) == 0 {
		return out, nil
	}
	running, err := processes("/proc")
	if err != nil {
		return nil, err
	}
	for ns, p := range byNamespace(running, func(p process) (Policy, bool) { return of(p.cgroup), true }) {
		if p.Mixed || p.Generation != out[tracer.AllWorkloads].Generation {
			out[ns] = p
		}
	}
	return out, nil
}

// members returns the cgroups that each policy applies to, without the policies that apply to all.
func (r *tetragonReader) members(policies []uint32) (map[uint32]map[uint64]bool, error) {
	out := map[uint32]map[uint64]bool{}
	for _, id := range policies {
		if id == 0 || r.cgroups == nil || out[id] != nil {
			continue
		}
		out[id] = map[uint64]bool{}
		var inner uint32
		switch err := r.cgroups.Lookup(id, &inner); {
		case errors.Is(err, ebpf.ErrKeyNotExist):
			continue
		case err != nil:
			return nil, fmt.Errorf("cgroups of policy %d: %w", id, err)
		}
		m, err := ebpf.NewMapFromID(ebpf.MapID(inner))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		cgroups, err := keysOf[uint64](m)
		m.Close()
		if err != nil {
			return nil, err
		}
		for _, c := range cgroups {
			out[id][c] = true
		}
	}
	return out, nil
}

// Close closes the maps.
func (r *tetragonReader) Close() error {
	var all error
	for _, m := range r.maps {
		if m != nil {
			all = errors.Join(all, m.Close())
		}
	}
	return all
}
