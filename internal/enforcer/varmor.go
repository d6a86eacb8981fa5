package enforcer

// VArmor is ByteDance's vArmor, from v0.5.2 on. v0.6.0 added a mode to each rule, v0.8.0 ranges of ports to network
// rules, and v0.9.0 the map v_profile_mode. The sizes of maps and rules tell these versions apart.
var VArmor = Product{
	Name: "varmor",
	programs: []string{
		"varmor_bprm_check_security", "varmor_capable", "varmor_file_open", "varmor_mount", "varmor_move_mount",
		"varmor_path_link", "varmor_path_link_tail", "varmor_path_rename", "varmor_path_rename_tail",
		"varmor_path_symlink", "varmor_ptrace_access_check", "varmor_socket_connect", "varmor_socket_create",
		"varmor_umount",
	},
	ruleFunctions: []string{"file_iter_cb", "mount_iter_cb", "mount_extra_iter_cb"},
	untimed:       "the loop over them is unrolled, so that no function of the program looks at one rule",
	open: openLayouts(
		layout{
			version: "v0.9 to v0.10",
			mode:    "v_profile_mode",
			outer:   varmorOuter(sizes{140}, sizes{100}, sizes{160}),
			caps:    valueLayout{"v_capable", 16},
			ptrace:  valueLayout{"v_ptrace", 12},
			decode:  varmorDecoders(true),
		},
		layout{
			version: "v0.6 to v0.8",
			outer:   varmorOuter(sizes{140}, sizes{68, 100}, sizes{160}),
			caps:    valueLayout{"v_capable", 16},
			ptrace:  valueLayout{"v_ptrace", 12},
			decode:  varmorDecoders(true),
		},
		layout{
			version: "v0.5",
			outer:   varmorOuter(sizes{136}, sizes{40}, sizes{156}),
			caps:    valueLayout{"v_capable", 8},
			ptrace:  valueLayout{"v_ptrace", 8},
			decode:  varmorDecoders(false),
		},
	),
}

func varmorOuter(path, network, mounts sizes) [numOuter]outerLayout {
	return [numOuter]outerLayout{
		file:  {"v_file_outer", path},
		exec:  {"v_bprm_outer", path},
		net:   {"v_net_outer", network},
		mount: {"v_mount_outer", mounts},
	}
}
