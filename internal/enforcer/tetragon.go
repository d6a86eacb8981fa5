package enforcer

import (
	"fmt"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/lsmprof/lsmprof/tracer"
)

// Tetragon is Cilium Tetragon's LSM sensors, from v1.3 on. Each hook of each policy has programs and maps of its own:
// one program finds the arguments and hands over to others by tail calls, which walk the selectors; another writes the
// event. Selectors are the rules. A hook without any matches every call and counts as one rule.
var Tetragon = Product{
	Name:     "tetragon",
	programs: []string{"generic_lsm_*", "ima_bprm", "ima_file"},
	untimed:  "no function of the program looks at one selector",
	distinct: []string{"generic_lsm_*"},
	uses:     []string{"ima_hash_map"},
	constant: []string{"generic_lsm_output", "ima_bprm", "ima_file"},
	open:     openTetragon,
}

// tetragonSensor is one hook of one policy.
type tetragonSensor struct {
	program  tracer.Program
	filter   *ebpf.Map // the first word of its value is the number of selectors
	config   *ebpf.Map
	policyID int // offset of the policy's number in a config, in bytes
}

type tetragonReader struct {
	sensors []tetragonSensor
	cgroups *ebpf.Map // policy -> the cgroups that it applies to; nil: each policy applies to all
	maps    []*ebpf.Map
}

func openTetragon(programs []tracer.Program) (_ Reader, err error) {
	r := &tetragonReader{}
	defer func() {
		if err != nil {
			r.Close()
		}
	}()
	for _, p := range programs {
		if p.Name != "generic_lsm_event" {
			continue // reached by a tail call, or writes the event
		}
		own, err := openNamed([]tracer.Program{p}, []string{"config_map", "lsm_calls", "policy_filter_m"}, 0)
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

// tailCalled opens a map that only the targets of tail calls use.
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
		found, err := openNamed([]tracer.Program{{Maps: ids}}, []string{name}, 0)
		if err != nil || found[name] != nil {
			return found[name], err
		}
	}
	return nil, fmt.Errorf("no tail call uses %s: not the layout of v1.3 and later", name)
}

// memberOffset returns the offset, in bytes, of a member of the struct that is the map's value. It differs between
// versions.
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
		return 0, fmt.Errorf("%s has no struct %s with a %s: not the layout of v1.3 and later", m, structure,
			member)
	}
	return int(s.Members[i].Offset.Bytes()), nil
}
