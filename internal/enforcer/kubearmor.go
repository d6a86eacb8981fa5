package enforcer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"github.com/cilium/ebpf"

	"github.com/lsmprof/lsmprof/tracer"
)

// KubeArmor is the BPF LSM enforcer of KubeArmor with its presets, from v0.9 on. It identifies a container by its pid
// and mount namespaces, the host by zeros. Rules are entries of a hash map, which it changes in place.
var KubeArmor = Product{
	Name: "kubearmor",
	programs: []string{
		"enforce_cap", "enforce_chmod", "enforce_dns", "enforce_file", "enforce_file_perm", "enforce_link_dst",
		"enforce_link_src", "enforce_mkdir", "enforce_mknod", "enforce_mmap_file", "enforce_net_accept",
		"enforce_net_connect", "enforce_net_create", "enforce_proc", "enforce_rename_new", "enforce_rename_old",
		"enforce_rmdir", "enforce_symlink", "enforce_truncate", "enforce_unlink",
		// Presets. In v1.5, that for fileless execution is enforce_bprm_check_security.
		"enforce_bprm_check_security", "env_preset_enforce_file", "exec_preset_bprm_check_security",
		"fileless_preset_bprm_check_security",
		// Hashes of executables and files, from v1.6.4 on; and a trial of whether the kernel runs BPF LSM
		// programs.
		"ima_bprm_check_security", "ima_file_open", "test_memfd",
	},
	untimed:  "they are found by key, so that their number does not matter",
	uses:     []string{"kubearmor_", "protectproc_"},
	constant: []string{"ima_bprm_check_security", "ima_file_open", "test_memfd"},
	open:     openKubeArmor,
}

const (
	kubearmorOuter = "kubearmor_conta" // kubearmor_containers
	initPIDNS      = 0xeffffffc        // PROC_PID_INIT_INO
)

// kubearmorPresets are the maps of presets, kubearmor_protectenv_preset_containers and so on, by the names that the
// kernel stores. The first 15 characters of kubearmor_exec_pids are those of the exec preset's map: the size of the
// keys distinguishes the two.
var kubearmorPresets = []string{
	"kubearmor_anon_", "kubearmor_exec_", "kubearmor_filel", "kubearmor_prote", "protectproc_pre",
}

// kubearmorKey is struct outer_key.
type kubearmorKey struct{ PIDNS, MntNS uint32 }

func (p process) kubearmorKey() kubearmorKey {
	if p.pidns == initPIDNS {
		return kubearmorKey{}
	}
	return kubearmorKey{p.pidns, p.mntns}
}

type kubearmorReader struct {
	programs []tracer.Program
	outer    *ebpf.Map
	presets  map[ebpf.ProgramID]*ebpf.Map
	maps     namedMaps
}

func openKubeArmor(programs []tracer.Program) (Reader, error) {
	found, err := openNamed(programs, append([]string{kubearmorOuter}, kubearmorPresets...), 8)
	if err != nil {
		return nil, err
	}
	r := &kubearmorReader{programs, found[kubearmorOuter], map[ebpf.ProgramID]*ebpf.Map{}, found}
	for _, m := range found {
		if m.ValueSize() != 4 {
			return nil, errors.Join(fmt.Errorf("%s: not the layout of v0.9 to v1.7", found), found.Close())
		}
	}
	for _, p := range programs {
		if name := found.only(kubearmorPresets).usedBy(p); name != "" {
			r.presets[p.ID] = found[name]
		}
	}
	if len(found) == 0 {
		return nil, errors.New("none of the maps exists: not the layout of v0.9 to v1.7")
	}
	return r, nil
}

// Read returns a policy for each mount namespace all of whose processes are under the same rules.
func (r *kubearmorReader) Read() (Policies, error) {
	rules, err := r.containers()
	if err != nil {
		return nil, err
	}
	presets := map[ebpf.ProgramID]map[kubearmorKey]bool{}
	confined := map[kubearmorKey]bool{}
	for key := range rules {
		confined[key] = true
	}
	for id, m := range r.presets {
		presets[id] = map[kubearmorKey]bool{}
		set, err := keysOf[kubearmorKey](m)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", m, err)
		}
		for _, key := range set {
			presets[id][key], confined[key] = true, true
		}
	}
	if len(confined) == 0 {
		return nil, nil
	}
	running, err := processes("/proc")
	if err != nil {
		return nil, err
	}
	policies := map[kubearmorKey]Policy{}
	for key := range confined {
		policies[key] = r.policy(key, rules[key], presets)
	}
	return byNamespace(running, func(p process) (Policy, bool) {
		policy, ok := policies[p.kubearmorKey()]
		return policy, ok
	}), nil
}

// policy returns what is in force for one container.
func (r *kubearmorReader) policy(key kubearmorKey, all []entry,
	presets map[ebpf.ProgramID]map[kubearmorKey]bool,
) Policy {
	counts := newProgramRules()
	var active []entry
	for _, p := range r.programs {
		if set := presets[p.ID]; set != nil {
			n := 0
			if set[key] {
				n = 1
				active = append(active, entry{key: binary.NativeEndian.AppendUint32(nil, uint32(p.ID))})
			}
			counts.byID[p.ID] = n
		}
	}
	return Policy{Rules: kubearmorRules(all), Generation: digest(all, active), programs: counts}
}

// containers returns the entries of each container's map.
func (r *kubearmorReader) containers() (map[kubearmorKey][]entry, error) {
	ids, err := innerIDsOf[kubearmorKey](r.outer)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", r.outer, err)
	}
	out := map[kubearmorKey][]entry{}
	for key, id := range ids {
		all, err := innerContents(id)
		if errors.Is(err, os.ErrNotExist) {
			continue // its container stopped meanwhile
		}
		if err != nil {
			return nil, fmt.Errorf("rules of %+v: %w", key, err)
		}
		if len(all) > 0 && !kubearmorSizes(len(all[0].key), len(all[0].value)) {
			return nil, fmt.Errorf("rules of %d -> %d bytes: not the layout of v0.9 to v1.7",
				len(all[0].key), len(all[0].value))
		}
		out[key] = all
	}
	return out, nil
}

// kubearmorSizes reports whether rules have the sizes of v0.9 to v1.5, of v1.6.0, or of v1.6.10 and later.
func kubearmorSizes(key, value int) bool {
	return key == 512 && (value == 2 || value == 4) || key == 400 && value == 4
}

// Close closes the maps.
func (r *kubearmorReader) Close() error { return r.maps.Close() }
