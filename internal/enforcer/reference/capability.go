package reference

import (
	"fmt"
	"slices"
	"strings"
)

// Capability is a number of linux/capability.h.
type Capability int

// capabilities are named by their number. The last one came with Linux 5.9.
var capabilities = []string{
	"chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap", "linux_immutable",
	"net_bind_service", "net_broadcast", "net_admin", "net_raw", "ipc_lock", "ipc_owner", "sys_module", "sys_rawio", "sys_chroot",
	"sys_ptrace", "sys_pacct", "sys_admin", "sys_boot", "sys_nice", "sys_resource", "sys_time", "sys_tty_config", "mknod", "lease",
	"audit_write", "audit_control", "setfcap", "mac_override", "mac_admin", "syslog", "wake_alarm", "block_suspend", "audit_read",
	"perfmon", "bpf", "checkpoint_restore",
}

// ParseCapability reads CAP_NET_RAW, cap_net_raw or net_raw.
func ParseCapability(s string) (Capability, error) {
	name := strings.TrimPrefix(strings.ToLower(s), "cap_")
	if i := slices.Index(capabilities, name); i >= 0 {
		return Capability(i), nil
	}
	return 0, fmt.Errorf("unknown capability %q; capabilities(7) lists them", s)
}
