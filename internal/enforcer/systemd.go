package enforcer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"github.com/cilium/ebpf"

	"github.com/lsmprof/lsmprof/tracer"
)

// Systemd is systemd with its sets of programs: RestrictFileSystems= of units (v250), whose rules are the magic
// numbers of file systems that a cgroup may or may not use; the user namespaces of systemd-nsresourced (v256); and
// RestrictFileSystemAccess= of the manager (v261), which refuses to have its own programs and maps opened. Its
// repository also has programs that label and watch Varlink sockets. All but the first check conditions that are fixed,
// and walk no rules.
var Systemd = Product{
	Name:     "systemd",
	programs: append([]string{"restrict_filesystems"}, systemdFixed...),
	untimed:  "they are found by key, so that their number does not matter",
	distinct: systemdFixed,
	uses:     []string{"cgroup_hash"},
	constant: systemdFixed,
	open: func(programs []tracer.Program) (Reader, error) {
		found, err := openNamed(programs, []string{"cgroup_hash"}, 0)
		if err != nil {
			return nil, err
		}
		if m := found["cgroup_hash"]; m == nil || m.KeySize() != 8 || m.Type() != ebpf.HashOfMaps {
			return nil, errors.Join(fmt.Errorf("%s: not the layout of v250 and later", found),
				found.Close())
		}
		return &systemdReader{found["cgroup_hash"]}, nil
	},
}

// systemdFixed are the programs that walk no rules.
var systemdFixed = []string{
	"userns_restrict_*", "restrict_fsaccess_*", "unix_socket_protocol_*", "monitor_varlink_*",
}

type systemdReader struct{ cgroups *ebpf.Map }

// sets returns the set of file systems of each cgroup that has one.
func (r *systemdReader) sets() (map[uint64][]entry, error) {
	inner, err := innerIDsOf[uint64](r.cgroups)
	if err != nil {
		return nil, err
	}
	out := map[uint64][]entry{}
	for cgroup, id := range inner {
		all, err := innerContents(id)
		if errors.Is(err, os.ErrNotExist) {
			continue // its unit stopped meanwhile
		}
		if err != nil {
			return nil, fmt.Errorf("rules of cgroup %d: %w", cgroup, err)
		}
		out[cgroup] = all
	}
	return out, nil
}

// Read returns a policy for each mount namespace all of whose processes are in cgroups with the same rules.
func (r *systemdReader) Read() (Policies, error) {
	sets, err := r.sets()
	if err != nil {
		return nil, err
	}
	return systemdPolicies(sets)
}

func systemdPolicies(sets map[uint64][]entry) (Policies, error) {
	if len(sets) == 0 {
		return nil, nil
	}
	policies := map[uint64]Policy{}
	for cgroup, all := range sets {
		policies[cgroup] = Policy{Generation: digest(all), Rules: Rules{File: fileSystems(all)}}
	}
	running, err := processes("/proc")
	if err != nil {
		return nil, err
	}
	return byNamespace(running, func(p process) (Policy, bool) {
		policy, ok := policies[p.cgroup]
		return policy, ok
	}), nil
}

// fileSystems counts the magic numbers. The entry with key 0 says whether they are allowed or denied.
func fileSystems(all []entry) int {
	n := 0
	for _, e := range all {
		if len(e.key) >= 4 && binary.NativeEndian.Uint32(e.key) != 0 {
			n++
		}
	}
	return n
}

// Close closes the map.
func (r *systemdReader) Close() error { return r.cgroups.Close() }
