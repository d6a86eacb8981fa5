package enforcer

import (
	"strings"
	"unsafe"

	"github.com/lsmprof/lsmprof/bpf"
)

// Reference is the enforcer of `lsmprof enforce`.
var Reference = Product{
	Name:   "reference",
	prefix: "ref_",
	hooks: []string{
		"bprm_check_security", "capable", "file_open", "move_mount", "path_link", "path_rename", "path_symlink",
		"ptrace_access_check", "sb_mount", "sb_umount", "socket_connect", "socket_create",
	},
	layout: layout{
		version: "of this lsmprof",
		mode:    "ref_mode",
		outer: [numOuter]outerLayout{
			file:  {"ref_file_outer", uint32(unsafe.Sizeof(bpf.EnforcerRefPathRule{}))},
			exec:  {"ref_exec_outer", uint32(unsafe.Sizeof(bpf.EnforcerRefPathRule{}))},
			net:   {"ref_net_outer", uint32(unsafe.Sizeof(bpf.EnforcerRefNetRule{}))},
			mount: {"ref_mount_outer", uint32(unsafe.Sizeof(bpf.EnforcerRefMountRule{}))},
		},
		caps:   "ref_cap",
		ptrace: "ref_ptrace",
	},
}

// VArmor is ByteDance's vArmor from v0.9.0 on. Releases before have no v_profile_mode and other rules.
var VArmor = Product{
	Name:   "varmor",
	prefix: "varmor_",
	hooks: []string{
		"bprm_check_security", "capable", "file_open", "mount", "move_mount", "path_link", "path_link_tail", "path_rename",
		"path_rename_tail", "path_symlink", "ptrace_access_check", "socket_connect", "socket_create", "umount",
	},
	layout: layout{
		version: "v0.9 to v0.10",
		mode:    "v_profile_mode",
		outer: [numOuter]outerLayout{
			file:  {"v_file_outer", 140},
			exec:  {"v_bprm_outer", 140},
			net:   {"v_net_outer", 100},
			mount: {"v_mount_outer", 160},
		},
		caps:   "v_capable",
		ptrace: "v_ptrace",
	},
}

// Product is an enforcer that keeps its rules as vArmor does: by mount namespace in maps of maps, keyed 0..N-1.
type Product struct {
	Name   string
	prefix string
	hooks  []string // what may follow the prefix
	layout layout
}

// Owns says whether a program, by its full BTF name, is the product's.
func (p Product) Owns(program string) bool {
	rest, ok := strings.CutPrefix(program, p.prefix)
	if !ok {
		return false
	}
	for _, h := range p.hooks {
		if rest == h {
			return true
		}
	}
	return false
}
