package enforcer

import (
	"unsafe"

	"github.com/lsmprof/lsmprof/internal/enforcer/reference/bpf"
)

// thisVersion stands for the version of lsmprof that runs: the reference enforcer's layout may change with any version.
const thisVersion = "this lsmprof"

// Reference is the enforcer that comes with lsmprof.
var Reference = Product{
	Name: "reference",
	programs: []string{
		"ref_bprm_check_security", "ref_capable", "ref_file_open", "ref_move_mount", "ref_path_link",
		"ref_path_rename", "ref_path_symlink", "ref_ptrace_access_check", "ref_sb_mount", "ref_sb_umount",
		"ref_socket_connect", "ref_socket_create",
	},
	ruleFunctions: []string{"path_rule_at", "net_rule_at", "mount_rule_at"},
	untimed:       "before Linux 5.17 no function of the program looks at one rule",
	open: openLayouts(layout{
		version: thisVersion,
		mode:    "ref_mode",
		outer: [numOuter]outerLayout{
			file:  {"ref_file_outer", sizes{uint32(unsafe.Sizeof(bpf.EnforcerRefPathRule{}))}},
			exec:  {"ref_exec_outer", sizes{uint32(unsafe.Sizeof(bpf.EnforcerRefPathRule{}))}},
			net:   {"ref_net_outer", sizes{uint32(unsafe.Sizeof(bpf.EnforcerRefNetRule{}))}},
			mount: {"ref_mount_outer", sizes{uint32(unsafe.Sizeof(bpf.EnforcerRefMountRule{}))}},
		},
		caps:   valueLayout{"ref_cap", 16},
		ptrace: valueLayout{"ref_ptrace", uint32(unsafe.Sizeof(bpf.EnforcerRefPtraceRule{}))},
		decode: referenceDecoders,
	}),
}
