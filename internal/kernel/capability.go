package kernel

import (
	"fmt"
	"slices"
	"strings"
)

// capabilities are the names of capabilities(7), by number. Linux 5.9 added the last one.
var capabilities = []string{
	"chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap",
	"linux_immutable", "net_bind_service", "net_broadcast", "net_admin", "net_raw", "ipc_lock", "ipc_owner",
	"sys_module", "sys_rawio", "sys_chroot", "sys_ptrace", "sys_pacct", "sys_admin", "sys_boot", "sys_nice",
	"sys_resource", "sys_time", "sys_tty_config", "mknod", "lease", "audit_write", "audit_control", "setfcap",
	"mac_override", "mac_admin", "syslog", "wake_alarm", "block_suspend", "audit_read", "perfmon", "bpf",
	"checkpoint_restore",
}

// CapabilityName returns the name of a capability, such as cap_net_raw.
func CapabilityName(n int) string {
	if n < 0 || n >= len(capabilities) {
		return fmt.Sprintf("capability %d", n)
	}
	return "cap_" + capabilities[n]
}

// ParseCapability returns the number of a capability, given as CAP_NET_RAW, cap_net_raw or net_raw.
func ParseCapability(s string) (int, error) {
	name := strings.TrimPrefix(strings.ToLower(s), "cap_")
	if i := slices.Index(capabilities, name); i >= 0 {
		return i, nil
	}
	return 0, fmt.Errorf("unknown capability %q; capabilities(7) lists them", s)
}
