package tracer

import (
	"slices"
	"strings"
	"testing"
)

func TestFunctionsAreThoseOfActiveModulesOnHooks(t *testing.T) {
	described := map[string]bool{}
	for _, name := range []string{
		"bpf_lsm_file_open", "bpf_lsm_file_permission", "bpf_lsm_capable", "bpf_lsm_locked_down",
		"bpf_lsm_init",
		"bpf_lsm_bprm_check_security", "apparmor_file_open", "apparmor_file_permission", "apparmor_capable",
		"apparmor_init", "apparmor_open_label", "cap_capable", "lockdown_is_locked_down", "selinux_file_open",
		"security_file_open", "security_bprm_check",
	} {
		described[name] = true
	}
	symbols, err := symbolNames(strings.NewReader(`0000000000000000 t apparmor_file_open
0000000000000000 t apparmor_file_permission
0000000000000000 t cap_capable.isra.0
0000000000000000 t lockdown_is_locked_down
0000000000000000 t apparmor_bprm_check_security
0000000000000000 d apparmor_capable
0000000000000000 T security_file_open
0000000000000000 T security_bprm_check
0000000000000000 t hook_file_open	[module]
`))
	if err != nil {
		t.Fatal(err)
	}
	const inlined, changed = "the compiler inlined it", "the compiler changed its arguments"
	want := []Function{
		{LSM: "lockdown", Name: "lockdown_is_locked_down", Hook: "locked_down"},
		{LSM: "capability", Name: "cap_capable", Hook: "capable", Unavailable: changed},
		{
			LSM: "apparmor", Name: "apparmor_bprm_check_security", Hook: "bprm_check_security",
			Unavailable: "the kernel's BTF does not describe it",
		},
		{LSM: "apparmor", Name: "apparmor_capable", Hook: "capable", Unavailable: inlined},
		{LSM: "apparmor", Name: "apparmor_file_open", Hook: "file_open"},
		{LSM: "apparmor", Name: "apparmor_file_permission", Hook: "file_permission", Frequent: true},
		{LSM: Total, Name: "security_bprm_check", Hook: "bprm_check_security"},
		{LSM: Total, Name: "security_file_open", Hook: "file_open"},
	}
	got := findFunctions([]string{"lockdown", "capability", "apparmor", "bpf", Total}, described, symbols)
	if !slices.Equal(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
}
