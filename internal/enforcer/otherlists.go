package enforcer

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/bits"
	"strconv"

	"github.com/cilium/ebpf"

	"github.com/lsmprof/lsmprof/internal/enforcer/rules"
	"github.com/lsmprof/lsmprof/tracer"
)

// fileSystemNames are magic numbers of linux/magic.h.
var fileSystemNames = map[int]string{
	0x9fa0: "proc", 0x62656572: "sysfs", 0x01021994: "tmpfs", 0xef53: "ext4", 0x58465342: "xfs",
	0x9123683e: "btrfs",
	0x794c7630: "overlay", 0x6969: "nfs", 0x64626720: "debugfs", 0x74726163: "tracefs", 0xcafe4a11: "bpf",
	0x27e0eb: "cgroup", 0x63677270: "cgroup2", 0x1cd1: "devpts", 0x65735546: "fuse", 0x73636673: "securityfs",
	0x9660: "iso9660", 0x4d44: "vfat", 0x73717368: "squashfs", 0x858458f6: "ramfs", 0x958458f6: "hugetlbfs",
}

// List returns the file systems that the units of each mount namespace may, or may not, use.
func (r *systemdReader) List() (Listed, error) {
	sets, err := r.sets()
	if err != nil {
		return nil, err
	}
	policies, err := systemdPolicies(sets)
	if err != nil || len(policies) == 0 {
		return nil, err
	}
	texts := map[uint64][]Rule{}
	for cgroup, all := range sets {
		texts[cgroup] = systemdTexts(all)
	}
	return listByNamespace(policies, func(p process) []Rule { return texts[p.cgroup] })
}

// systemdTexts decodes the set of a cgroup. The value of the key 0 is 1 if the others are allowed, else they are
// denied.
func systemdTexts(all []entry) (out []Rule) {
	action := "deny"
	for _, e := range all {
		if fields(e.key).u32(0) == 0 && fields(e.value).u32(0) != 0 {
			action = "allow"
		}
	}
	for _, e := range all {
		magic := fields(e.key).u32(0)
		if len(e.key) < 4 || magic == 0 {
			continue
		}
		name, known := fileSystemNames[int(magic)]
		if !known {
			name = fmt.Sprintf("%#x", magic)
		}
		out = append(out, Rule{
			Kind: rules.File, Index: len(out), Text: sentence(action, "file system", name),
		})
	}
	return out
}

// List returns the profiles and the operations that are blocked.
func (r *bpflockReader) List() (Listed, error) {
	var out []Rule
	listed := map[*ebpf.Map]bool{}
	for _, p := range r.programs {
		m := r.args[p.ID]
		if m == nil || listed[m] {
			continue
		}
		listed[m] = true
		all, err := contents(m)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", m, err)
		}
		for _, text := range bpflockTexts(p.Name, all) {
			out = append(out, Rule{Kind: rules.Other, Index: len(out), Text: text})
		}
	}
	return Listed{tracer.AllWorkloads: out}, nil
}

func bpflockTexts(program string, all []entry) (out []string) {
	for _, e := range all {
		value := fields(e.value).u32(0)
		switch fields(e.key).u32(0) {
		case bpflockProfile:
			if value != bpflockPermits {
				out = append(out, sentence(program+":", "profile", strconv.Itoa(int(value))))
			}
		case bpflockBlocked:
			for ; value != 0; value &= value - 1 {
				out = append(out, sentence(program+":", "block operation",
					strconv.Itoa(bits.TrailingZeros32(value))))
			}
		}
	}
	return out
}

// List returns one text for each selector: the product compiles what they say.
func (r *tetragonReader) List() (Listed, error) {
	state, err := r.state()
	if err != nil {
		return nil, err
	}
	policies, err := r.Read()
	if err != nil {
		return nil, err
	}
	out, err := listByNamespace(policies, func(p process) []Rule { return r.texts(state, p.cgroup) })
	if err != nil {
		return nil, err
	}
	out[tracer.AllWorkloads] = r.texts(state, 0)
	return out, nil
}

func (r *tetragonReader) texts(state *tetragonState, cgroup uint64) (out []Rule) {
	next := map[string]int{}
	for i, s := range r.sensors {
		if !state.walks(i, cgroup) {
			continue
		}
		policy := ""
		if n := state.policy[i]; n != 0 {
			policy = fmt.Sprintf("policy %d,", n)
		}
		kind, n := rules.KindOf(s.program.Hook), state.selectors[i]
		for k := range min(max(1, n), mostRules) {
			what := "every call"
			if n > 0 {
				what = fmt.Sprintf("selector %d of %d", k+1, n)
			}
			out = append(out, Rule{
				Kind: kind, Index: next[kind], Text: sentence(policy, s.program.Hook+":", what),
			})
			next[kind]++
		}
	}
	return out
}

// List returns the keys of the map: lsmprof does not know what they mean.
func (r *genericReader) List() (Listed, error) {
	var all []entry
	var err error
	if r.m.Type() == ebpf.HashOfMaps {
		all, err = r.inner()
	} else {
		all, err = r.keys(r.m, r.Prefix)
	}
	if err != nil {
		return nil, fmt.Errorf("list the entries of %s: %w", r.Map, err)
	}
	out := make([]Rule, 0, min(len(all), mostRules))
	for i, e := range all[:min(len(all), mostRules)] {
		key := e.key
		if len(e.value) > 0 { // of a map of maps
			key = e.value
		}
		out = append(out, Rule{Kind: rules.Other, Index: i, Text: keyText(key)})
	}
	return Listed{tracer.AllWorkloads: out}, nil
}

// keyText returns a key as a number, as text or in hexadecimal.
func keyText(key []byte) string {
	if len(key) == 4 {
		return "key " + strconv.FormatUint(uint64(binary.NativeEndian.Uint32(key)), 10)
	}
	if s := cString(key); s != "" && printable(s) {
		return "key " + s
	}
	const most = 32
	if len(key) > most {
		return "key 0x" + hex.EncodeToString(key[:most]) + "…"
	}
	return "key 0x" + hex.EncodeToString(key)
}

func printable(s string) bool {
	for _, r := range s {
		if r < ' ' || r > '~' {
			return false
		}
	}
	return true
}
