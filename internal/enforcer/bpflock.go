package enforcer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"

	"github.com/cilium/ebpf"

	"github.com/lsmprof/lsmprof/tracer"
)

// BPFLock is Linux-lock's bpflock, as of its last commit in 2022. Its protections are in force for the whole machine.
// Each has a map of arguments.
var BPFLock = Product{
	Name: "bpflock",
	programs: []string{
		"bpfrestrict_bpf", "bpfrestrict_locked_down", "bprm_creds_from_file", "kimg_lockdown", "km_autoload",
		"km_load_data", "km_locked_down", "km_read_file",
	},
	untimed: "they are found by key, so that their number does not matter",
	uses:    bpflockArguments,
	open:    openBPFLock,
}

// bpflockArguments are the maps of arguments, bpfrestrict_args_map and so on, by the names that the kernel stores.
var bpflockArguments = []string{"bpfrestrict_arg", "kmodlock_args_m", "kimglock_args_m", "filelesslock_ar"}

// Keys and values of a map of arguments.
const (
	bpflockProfile  = 1 // key of the profile
	bpflockBlocked  = 3 // key of a set of operations
	bpflockPermits  = 1 // the profile "allow"
	bpflockArgument = 4 // bytes of a key and of a value
)

type bpflockReader struct {
	programs []tracer.Program
	args     map[ebpf.ProgramID]*ebpf.Map
	maps     namedMaps
}

func openBPFLock(programs []tracer.Program) (Reader, error) {
	r := &bpflockReader{programs: programs, args: map[ebpf.ProgramID]*ebpf.Map{}}
	found, err := openNamed(programs, bpflockArguments, 0)
	if err != nil {
		return nil, err
	}
	r.maps = found
	for _, m := range found {
		if m.KeySize() != bpflockArgument || m.ValueSize() != bpflockArgument {
			return nil, errors.Join(fmt.Errorf("%s: not the layout of bpflock in 2022", found),
				found.Close())
		}
	}
	for _, p := range programs {
		if name := found.usedBy(p); name != "" {
			r.args[p.ID] = found[name]
		}
	}
	return r, nil
}

// Read counts two kinds of rules for each program: its profile, unless that allows everything, and each operation that
// it blocks.
func (r *bpflockReader) Read() (Policies, error) {
	rules := newProgramRules()
	var parts [][]entry
	sum := Rules{}
	counted := map[*ebpf.Map]bool{}
	for _, p := range r.programs {
		m := r.args[p.ID]
		if m == nil {
			continue
		}
		all, err := contents(m)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", m, err)
		}
		n := 0
		for _, e := range all {
			switch value := binary.NativeEndian.Uint32(e.value); binary.NativeEndian.Uint32(e.key) {
			case bpflockProfile:
				if value != bpflockPermits {
					n++
				}
			case bpflockBlocked:
				n += bits.OnesCount32(value)
			}
		}
		rules.add(p, n)
		parts = append(parts, all)
		if !counted[m] {
			counted[m] = true
			sum.Other += n
		}
	}
	return Policies{tracer.AllWorkloads: {Rules: sum, Generation: digest(parts...), programs: rules}}, nil
}

// Close closes the maps.
func (r *bpflockReader) Close() error { return r.maps.Close() }
