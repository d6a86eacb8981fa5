package lookalike

import (
	"errors"

	"github.com/cilium/ebpf"

	"github.com/lsmprof/lsmprof/internal/enforcer"
)

// VArmorLayout describes the maps of a range of vArmor's releases. Sizes are in bytes.
type VArmorLayout struct {
	Name                        string
	path, network, mount        uint32
	capabilities, ptrace, limit uint32
	spec                        func() (*ebpf.CollectionSpec, error)
	Modes                       bool // it has v_profile_mode
}

// VArmorLayouts are the layouts of all releases.
var VArmorLayouts = []VArmorLayout{
	{"v0.5", 136, 40, 156, 8, 8, 50, LoadVArmorOld, false},
	{"v0.6 to v0.7", 140, 68, 160, 16, 12, 50, LoadVArmorOld, false},
	{"v0.8", 140, 100, 160, 16, 12, 50, LoadVArmorOld, false},
	{"v0.9 to v0.10", 140, 100, 160, 16, 12, 64, LoadVArmor, true},
}

// VArmor looks like vArmor's agent.
type VArmor struct {
	*Enforcer
	layout VArmorLayout
}

// Load loads and attaches a look-alike of these releases.
func (l VArmorLayout) Load() (*VArmor, error) {
	e, err := Load(l.spec,
		Inner(4, l.path, l.limit, "v_file_outer", "v_bprm_outer"),
		Inner(4, l.network, l.limit, "v_net_outer"),
		Inner(4, l.mount, l.limit, "v_mount_outer"),
		Values("v_capable", l.capabilities), Values("v_ptrace", l.ptrace))
	if err != nil {
		return nil, err
	}
	return &VArmor{e, l}, nil
}

// Modes of a profile, since v0.9.
const (
	VArmorEnforce  uint32 = 1
	VArmorComplain uint32 = 2
)

// Confine puts a profile with the given numbers of rules in force in a mount namespace.
func (v *VArmor) Confine(mntns uint32, mode uint32, r enforcer.Rules) error {
	if v.layout.Modes {
		if err := v.Maps["v_profile_mode"].Put(mntns, mode); err != nil {
			return err
		}
	}
	for _, kind := range []struct {
		outer string
		rules int
		size  uint32
	}{
		{"v_file_outer", r.File, v.layout.path},
		{"v_bprm_outer", r.Exec, v.layout.path},
		{"v_net_outer", r.Net, v.layout.network},
		{"v_mount_outer", r.Mount, v.layout.mount},
	} {
		entries := map[any]any{}
		for i := range kind.rules {
			entries[uint32(i)] = make([]byte, kind.size)
		}
		if err := v.put(kind.outer, mntns, entries); err != nil {
			return err
		}
	}
	caps := make([]byte, v.layout.capabilities)
	for i := range r.Cap {
		caps[len(caps)-8+i/8] |= 1 << (i % 8)
	}
	return errors.Join(v.set("v_capable", mntns, caps, r.Cap > 0),
		v.set("v_ptrace", mntns, make([]byte, v.layout.ptrace), r.Ptrace > 0))
}

// put replaces the rules of a kind. Without rules there is no inner map.
func (v *VArmor) put(outer string, mntns uint32, entries map[any]any) error {
	if len(entries) > 0 {
		return v.Put(outer, mntns, entries)
	}
	return gone(v.Maps[outer].Delete(mntns))
}

func (v *VArmor) set(name string, mntns uint32, value []byte, present bool) error {
	if present {
		return v.Maps[name].Put(mntns, value)
	}
	return gone(v.Maps[name].Delete(mntns))
}

// Release removes the profile of a mount namespace.
func (v *VArmor) Release(mntns uint32) error {
	err := v.Confine(mntns, VArmorEnforce, enforcer.Rules{})
	if v.layout.Modes {
		err = errors.Join(err, gone(v.Maps["v_profile_mode"].Delete(mntns)))
	}
	return err
}

// gone ignores that a key does not exist.
func gone(err error) error {
	if errors.Is(err, ebpf.ErrKeyNotExist) {
		return nil
	}
	return err
}
