package policy

import (
	"strings"

	"github.com/lsmprof/lsmprof/internal/enforcer/rules"
)

// Fields of a policy that name built-in rules.
const (
	hardening     = "hardeningRules"
	vulnerability = "vulMitigationRules"
	attack        = "attackProtectionRules"
)

// builtIn is what a rule that vArmor knows by name loads.
type builtIn struct {
	rules.Rules
	privilegedMounts int // in addition, in policies for privileged containers
	capabilities     uint64
	cluster          string // whose addresses decide how many rules there are
	nodes            string // what of a node decides it
}

// varmorBuiltIn returns a rule of vArmor v0.10, or of an earlier version under the name that it had there. Rules that
// its BPF enforcer accepts but does not implement load nothing.
func varmorBuiltIn(field, name string) (builtIn, bool) {
	if b, ok := varmorRules()[field][name]; ok {
		return b, true
	}
	capability, found := strings.CutPrefix(name, "disable-cap-")
	bit, known := capabilityBits()[capability]
	if field != hardening || !found || !known {
		return builtIn{}, false
	}
	return builtIn{capabilities: 1 << bit}, true
}

// varmorRules returns the rules by field and name.
func varmorRules() map[string]map[string]builtIn {
	files := func(n int) builtIn { return builtIn{Rules: rules.Rules{File: n}} }
	programs := func(n int) builtIn { return builtIn{Rules: rules.Rules{Exec: n}} }
	network := func(n int) builtIn { return builtIn{Rules: rules.Rules{Net: n}} }
	mounts := func(always, privileged int) builtIn {
		return builtIn{Rules: rules.Rules{Mount: always}, privilegedMounts: privileged}
	}
	caps := func(names ...string) builtIn { return builtIn{capabilities: capabilitySet(names...)} }
	all := uint64(1)<<len(capabilityNames()) - 1
	return map[string]map[string]builtIn{hardening: {
		"disallow-write-core-pattern":  files(1),
		"disallow-write-release-agent": files(1),
		"disallow-access-kallsyms":     files(1),
		"disallow-debug-disk-device":   {Rules: rules.Rules{File: 1}, nodes: "disk device of the node"},
		"disallow-mount-securityfs":    mounts(0, 1),
		"disallow-mount-procfs":        mounts(1, 1),
		"disallow-mount-cgroupfs":      mounts(1, 1),
		"disallow-mount-disk-device":   {privilegedMounts: 1, nodes: "disk device of the node"},
		"disallow-mount":               mounts(0, 1),
		"disallow-umount":              mounts(1, 0),
		"disallow-insmod":              caps("sys-module"),
		"disallow-load-bpf-prog":       caps("sys-admin", "bpf"),
		"disallow-load-ebpf":           caps("sys-admin", "bpf"),
		"disallow-abuse-user-ns":       caps("sys-admin"),
		"disallow-access-procfs-root":  {Rules: rules.Rules{Ptrace: 1}},
		"disable-cap-all":              {capabilities: all},
		"disable-cap-all-except-net-bind-service": {
			capabilities: all &^ capabilitySet("net-bind-service"),
		},
		"disable-cap-privileged": caps("dac-read-search", "linux-immutable", "net-broadcast", "net-admin",
			"ipc-lock",
			"ipc-owner", "sys-module", "sys-rawio", "sys-ptrace", "sys-pacct", "sys-admin", "sys-boot",
			"sys-nice",
			"sys-resource", "sys-time", "sys-tty-config", "lease", "audit-control", "mac-override",
			"mac-admin",
			"syslog", "wake-alarm", "block-suspend", "audit-read", "perfmon", "bpf", "checkpoint-restore"),
		"disallow-create-user-ns":          {},
		"disallow-load-all-bpf-prog":       {},
		"disallow-load-bpf-via-setsockopt": {},
	}, vulnerability: {
		"cgroups-lxcfs-escape-mitigation": files(4),
		"runc-override-mitigation":        files(1),
		"copy-fail-mitigation":            network(1),
		"ingress-nightmare-mitigation":    {cluster: "the ingress controller's admission service"},
	}, attack: {
		"mitigate-sa-leak":                         files(2),
		"mitigate-disk-device-number-leak":         files(2),
		"mitigate-overlayfs-leak":                  files(2),
		"mitigate-host-ip-leak":                    files(1),
		"disable-write-etc":                        files(1),
		"disable-access-passwd":                    files(1),
		"disable-access-shadow":                    files(1),
		"disable-access-ssh-dir":                   files(2),
		"block-access-to-container-runtime":        files(3),
		"disable-busybox":                          programs(1),
		"disable-shell":                            programs(3),
		"disable-wget":                             programs(1),
		"disable-curl":                             programs(1),
		"disable-chmod":                            programs(1),
		"disable-su-sudo":                          programs(2),
		"block-access-to-metadata-service":         network(3),
		"disallow-metadata-service":                network(3),
		"block-access-to-volc-metadata-service":    network(1),
		"block-access-to-alibaba-metadata-service": network(1),
		"block-access-to-aws-metadata-service":     network(2),
		"block-access-to-oci-metadata-service":     network(1),
		"disable-network":                          network(1),
		"disable-ipv4":                             network(1),
		"disable-inet":                             network(1),
		"disable-ipv6":                             network(1),
		"disable-inet6":                            network(1),
		"disable-unix-domain-socket":               network(1),
		"disable-icmp":                             network(1),
		"disable-tcp":                              network(1),
		"disable-udp":                              network(1),
		"block-access-to-kube-apiserver":           {cluster: "the API server"},
	}}
}

// capabilityNames are the capabilities of Linux in the order of their numbers.
func capabilityNames() []string {
	const names = "" +
		"chown dac-override dac-read-search fowner fsetid kill setgid setuid setpcap linux-immutable " +
		"net-bind-service net-broadcast net-admin net-raw ipc-lock ipc-owner sys-module sys-rawio sys-chroot " +
		"sys-ptrace sys-pacct sys-admin sys-boot sys-nice sys-resource sys-time sys-tty-config mknod lease " +
		"audit-write audit-control setfcap mac-override mac-admin syslog wake-alarm block-suspend audit-read " +
		"perfmon bpf checkpoint-restore"
	return strings.Fields(names)
}

func capabilityBits() map[string]int {
	out := map[string]int{}
	for i, name := range capabilityNames() {
		out[name] = i
	}
	return out
}

func capabilitySet(names ...string) (set uint64) {
	all := capabilityBits()
	for _, name := range names {
		set |= 1 << all[name]
	}
	return set
}
