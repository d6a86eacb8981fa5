package enforcer

import (
	"slices"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/lsmprof/lsmprof/tracer"
)

func TestOwns(t *testing.T) {
	for name, want := range map[string]string{
		"ref_file_open": "reference", "ref_sb_umount": "reference", "ref_other": "", "file_open": "", "": "",
		"varmor_file_open": "varmor", "varmor_path_link_tail": "varmor", "varmor_umount": "varmor",
		"varmor_other":      "",
		"generic_lsm_event": "tetragon", "generic_lsm_filter_arg_2": "tetragon", "generic_lsm_path": "tetragon",
		"userns_restrict_path_chown": "systemd", "restrict_fsaccess_bpf_prog_guard": "systemd",
		// without BTF, 15 characters
		"restrict_fsacce": "systemd", "monitor_varlink": "systemd", "unix_socket_pro": "systemd",
		"varmor_bprm_che": "varmor", "varmor_bprm_ch": "",
		// These names say too little: without their maps, no product owns the programs.
		"enforce_file": "", "restrict_filesystems": "", "bprm_creds_from_file": "", "ima_bprm": "",
		"ima_bprm_check_security": "", "test_memfd": "",
	} {
		got := ""
		for _, p := range All() {
			if p.Owns(tracer.Program{Name: name}) {
				got += p.Name
			}
		}
		if got != want {
			t.Errorf("%q belongs to %q, want %q", name, got, want)
		}
	}
}

// TestPrograms lists the LSM programs of each product, as its sources have them in all versions that lsmprof knows.
func TestPrograms(t *testing.T) {
	for _, c := range []struct {
		product Product
		names   []string
	}{
		{VArmor, []string{
			"varmor_bprm_check_security", "varmor_capable", "varmor_file_open", "varmor_mount",
			"varmor_move_mount", "varmor_path_link", "varmor_path_link_tail", "varmor_path_rename",
			"varmor_path_rename_tail", "varmor_path_symlink", "varmor_ptrace_access_check",
			"varmor_socket_connect", "varmor_socket_create", "varmor_umount",
		}},
		{KubeArmor, []string{
			"enforce_proc", "enforce_net_create", "enforce_net_connect", "enforce_net_accept",
			"enforce_file",
			"enforce_file_perm", "enforce_cap", "enforce_dns", // enforcer.bpf.c
			"enforce_mknod", "enforce_rmdir", "enforce_unlink", "enforce_symlink", "enforce_mkdir",
			"enforce_link_src", "enforce_link_dst", "enforce_rename_old", "enforce_rename_new",
			"enforce_chmod", "enforce_truncate", "enforce_mmap_file", "enforce_bprm_check_security",
			"exec_preset_bprm_check_security",
			"fileless_preset_bprm_check_security", "env_preset_enforce_file", // presets
			"ima_bprm_check_security", "ima_file_open", "test_memfd",
		}},
		{Tetragon, []string{
			"generic_lsm_event", "generic_lsm_setup_event", "generic_lsm_process_event",
			"generic_lsm_process_filter", "generic_lsm_filter_arg", "generic_lsm_filter_arg_2",
			"generic_lsm_actions", "generic_lsm_path", "generic_lsm_output", "ima_bprm", "ima_file",
		}},
		{Systemd, []string{
			"restrict_filesystems", "userns_restrict_path_chown", "userns_restrict_path_mkdir",
			"userns_restrict_path_mknod", "userns_restrict_path_symlink", "userns_restrict_path_link",
			"userns_restrict_task_fix_setgroups", "restrict_fsaccess_bdev_setintegrity",
			"restrict_fsaccess_bdev_setintegrity_compat", "restrict_fsaccess_bdev_free",
			"restrict_fsaccess_bprm_check", "restrict_fsaccess_mmap_file",
			"restrict_fsaccess_file_mprotect", "restrict_fsaccess_ptrace_guard",
			"restrict_fsaccess_bpf_map_guard", "restrict_fsaccess_bpf_prog_guard",
			"restrict_fsaccess_bpf_guard", "unix_socket_protocol_inode_post_setxattr",
			"unix_socket_protocol_inode_removexattr___new", "unix_socket_protocol_inode_removexattr___old",
			"unix_socket_protocol_socket_bind", "unix_socket_protocol_socket_accept",
			"monitor_varlink_socket_sendmsg",
		}},
		{BPFLock, []string{
			"bpfrestrict_bpf", "bpfrestrict_locked_down", "bprm_creds_from_file", "kimg_lockdown",
			"km_locked_down", "km_autoload", "km_read_file", "km_load_data",
		}},
	} {
		for _, name := range c.names {
			if !matches(c.product.programs, tracer.Program{Name: name, HasBTF: true}) {
				t.Errorf("%s does not know its program %s", c.product.Name, name)
			}
		}
	}
}

// fakeReader reads the same policies always.
type fakeReader struct{ Policies }

func (r fakeReader) Read() (Policies, error) { return r.Policies, nil }
func (fakeReader) Close() error              { return nil }

func TestConstantProgramsWalkNoRules(t *testing.T) {
	var opened []ebpf.ProgramID
	product := Product{
		constant: []string{"constant*"},
		open: func(programs []tracer.Program) (Reader, error) {
			for _, p := range programs {
				opened = append(opened, p.ID)
			}
			return fakeReader{Policies{7: {Rules: Rules{Exec: 3, File: 2}, Generation: "g"}, 8: mixed}}, nil
		},
	}
	walking := tracer.Program{ID: 1, Name: "walking", Hook: "bprm_check_security"}
	constant := tracer.Program{ID: 2, Name: "constant", Hook: "bprm_check_security"}
	elsewhere := tracer.Program{ID: 3, Name: "constant_too", Hook: "path_chown"}

	r, err := product.Open([]tracer.Program{walking, constant, elsewhere})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(opened, []ebpf.ProgramID{1}) {
		t.Errorf("opened for programs %v, want 1 alone", opened)
	}
	policies, err := r.Read()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		workload uint32
		program  tracer.Program
		want     int
	}{
		"walking":             {7, walking, 3},
		"constant":            {7, constant, 0},
		"constant elsewhere":  {7, elsewhere, 0},
		"the hook of both":    {7, tracer.Program{Hook: "bprm_check_security"}, 3},
		"a hook of constants": {7, tracer.Program{Hook: "path_chown"}, 0},
		"mixed":               {8, walking, -1},
		"mixed, constant":     {8, constant, 0},
		"no policy":           {9, walking, 0},
	} {
		if got := policies.Rules(c.workload, c.program); got != c.want {
			t.Errorf("%s: %d rules, want %d", name, got, c.want)
		}
	}

	opened = nil
	if r, err = product.Open([]tracer.Program{constant}); err != nil || opened != nil {
		t.Fatalf("constant programs alone: %v; opened for %v, want no maps opened", err, opened)
	}
	if policies, err := r.Read(); err != nil || len(policies) != 0 {
		t.Errorf("constant programs alone: %v, %v; want no policies", policies, err)
	}
}

func TestParseRulesMap(t *testing.T) {
	for s, want := range map[string]string{
		"rules": "", "rules:abc": "abc", "rules:0x0001ff": "\x00\x01\xff", "rules:": "", "rules:a:b": "a:b",
	} {
		got, err := ParseRulesMap(s)
		if err != nil || got.Map != "rules" || string(got.Prefix) != want {
			t.Errorf("%q: %+v, %v; want the prefix %q", s, got, err, want)
		}
	}
	for _, s := range []string{"", ":x", "a b", "rules:0x0", "rules:0xzz", "/sys/fs/bpf/rules"} {
		if got, err := ParseRulesMap(s); err == nil {
			t.Errorf("%q: %+v, want an error", s, got)
		}
	}
}

func FuzzParseRulesMap(f *testing.F) {
	f.Add("rules:0x00")
	f.Fuzz(func(t *testing.T, s string) {
		if got, err := ParseRulesMap(s); err == nil && (got.Map == "" || len(got.Prefix) > len(s)) {
			t.Errorf("%q: %+v", s, got)
		}
	})
}
