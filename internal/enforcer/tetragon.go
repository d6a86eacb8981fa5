package enforcer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
)

// Tetragon is Cilium Tetragon's LSM sensors, from v1.3 on: each hook of each policy has programs and maps of its own. Its selectors are
// the rules; a hook without any matches every call and is one rule.
var Tetragon = Product{
	Name: "tetragon",
	programs: []string{
		"generic_lsm_event", "generic_lsm_output", "generic_lsm_ima_bprm", "generic_lsm_ima_file",
	},
	uses: []string{"process_call_he", "ima_hash_map"},
	open: openTetragon,
}

// tetragonSensor is one hook of one policy.
type tetragonSensor struct {
	program  Program
	filter   *ebpf.Map // its first word is the number of selectors
	config   *ebpf.Map
	policyID int // where in a config the policy's number is
}

type tetragonReader struct {
	sensors []tetragonSensor
	cgroups *ebpf.Map // policy -> set of cgroups that it is for; nil: all are for everything
	maps    []*ebpf.Map
}

func openTetragon(programs []Program) (_ Reader, err error) {
	r := &tetragonReader{}
	defer func() {
		if err != nil {
			r.Close()
		}
	}()
	for _, p := range programs {
		if p.Name != "generic_lsm_event" {
			continue // it walks no rules
		}
		own, err := openNamed([]Program{p}, []string{"config_map", "lsm_calls", "policy_filter_m"}, 0)
		for _, m := range own {
			r.maps = append(r.maps, m)
		}
		if err != nil {
			return nil, err
		}
		s := tetragonSensor{program: p, config: own["config_map"]}
		if s.config == nil || own["lsm_calls"] == nil {
			return nil, fmt.Errorf("%s of program %d: not the layout of v1.3 and later", own, p.ID)
		}
		if s.policyID, err = memberOffset(s.config, "event_config", "policy_id"); err != nil {
			return nil, err
		}
		if s.filter, err = tailCalled(own["lsm_calls"], "filter_map"); err != nil {
			return nil, err
		}
		r.maps = append(r.maps, s.filter)
		r.sensors = append(r.sensors, s)
		if m := own["policy_filter_m"]; m != nil {
			r.cgroups = m
		}
	}
	return r, nil
}

// tailCalled opens a map that only the programs use which a program hands over to.
func tailCalled(calls *ebpf.Map, name string) (*ebpf.Map, error) {
	for i := range calls.MaxEntries() {
		var id uint32
		if calls.Lookup(i, &id) != nil {
			continue // an empty slot
		}
		prog, err := ebpf.NewProgramFromID(ebpf.ProgramID(id))
		if err != nil {
			continue
		}
		info, err := prog.Info()
		prog.Close()
		if err != nil {
			return nil, err
		}
		ids, _ := info.MapIDs()
		found, err := openNamed([]Program{{Maps: ids}}, []string{name}, 0)
		if err != nil || found[name] != nil {
			return found[name], err
		}
	}
	return nil, fmt.Errorf("no tail call uses %s: not the layout of v1.3 and later", name)
}

// memberOffset finds a member of the struct that a map has as its values: the versions differ in where it is.
func memberOffset(m *ebpf.Map, structure, member string) (int, error) {
	info, err := m.Info()
	if err != nil {
		return 0, err
	}
	id, ok := info.BTFID()
	if !ok {
		return 0, fmt.Errorf("%s has no BTF: not the layout of v1.3 and later", m)
	}
	handle, err := btf.NewHandleFromID(id)
	if err != nil {
		return 0, fmt.Errorf("types of %s: %w", m, err)
	}
	defer handle.Close()
	spec, err := handle.Spec(nil)
	if err != nil {
		return 0, fmt.Errorf("types of %s: %w", m, err)
	}
	var s *btf.Struct
	if err := spec.TypeByName(structure, &s); err != nil {
		return 0, fmt.Errorf("types of %s: %w", m, err)
	}
	i := slices.IndexFunc(s.Members, func(f btf.Member) bool { return f.Name == member })
	if i < 0 || s.Size != m.ValueSize() {
		return 0, fmt.Errorf("%s has no struct %s with a %s: not the layout of v1.3 and later", m, structure, member)
	}
	return int(s.Members[i].Offset.Bytes()), nil
}

// Read returns the policies that are for every workload under Everywhere, and those with some workloads by mount namespace.
func (r *tetragonReader) Read() (Policies, error) {
	rules := make([]int, len(r.sensors))
	policy := make([]uint32, len(r.sensors))
	for i, s := range r.sensors {
		filter, err := s.filter.LookupBytes(uint32(0))
		if err != nil {
			return nil, fmt.Errorf("selectors of program %d: %w", s.program.ID, err)
		}
		config, err := s.config.LookupBytes(uint32(0))
		if err != nil {
			return nil, fmt.Errorf("policy of program %d: %w", s.program.ID, err)
		}
		if len(filter) < 4 || len(config) < s.policyID+4 {
			return nil, fmt.Errorf("program %d has no selectors yet", s.program.ID)
		}
		rules[i] = max(1, int(binary.NativeEndian.Uint32(filter)))
		policy[i] = binary.NativeEndian.Uint32(config[s.policyID:])
	}
	members, err := r.members(policy)
	if err != nil {
		return nil, err
	}
	of := func(cgroup uint64) Policy {
		counts := newProgramRules()
		p := Policy{programs: counts}
		generation := make([]entry, len(r.sensors))
		for i, s := range r.sensors {
			n := rules[i]
			if policy[i] != 0 && !members[policy[i]][cgroup] {
				n = 0
			}
			counts.add(s.program, n)
			*p.Rules.Kind(s.program.Hook) += n
			generation[i].value = binary.NativeEndian.AppendUint32(nil, uint32(n))
		}
		p.Generation = digest(generation)
		return p
	}
	out := Policies{Everywhere: of(0)}
	if len(members) == 0 {
		return out, nil
	}
	running, err := processes("/proc")
	if err != nil {
		return nil, err
	}
	for ns, p := range byNamespace(running, func(p process) (Policy, bool) { return of(p.cgroup), true }) {
		if p.Mixed || p.Generation != out[Everywhere].Generation {
			out[ns] = p
		}
	}
	return out, nil
}

// members are the cgroups of the policies that are not for everything.
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
