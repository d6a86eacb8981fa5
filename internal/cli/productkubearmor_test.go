package cli

import (
	"encoding/binary"
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/enforcer/lookalike"
	"github.com/lsmprof/lsmprof/internal/vmtest"
	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

// kubearmorRule is an entry in KubeArmor's map of rules.
type kubearmorRule struct {
	path            string
	process, access uint16
}

func TestKubeArmor(t *testing.T) {
	vmtest.Guest(t)
	vmtest.OnOneKernel(t)
	const exec, write, read, dir, recursive, hint, deny = 1, 2, 4, 16, 32, 64, 128
	rules := []kubearmorRule{
		{path: "/etc/shadow", access: write | read | deny},
		// A directory: KubeArmor writes it as a file and as a directory, and its parents as hints.
		{path: "/srv/data", access: read | recursive | deny},
		{path: "/srv/data/", access: read | recursive | deny | dir},
		{path: "/", access: read | recursive | deny | hint},
		{path: "/srv/", access: read | recursive | deny | hint},
		{path: "/usr/bin/apt", process: exec | deny, access: read | deny}, // a rule of either kind
		{path: "curl", process: exec | deny},
		{path: "\x02\x03", process: deny},
		{path: "\x03\x06", process: deny}, // raw sockets, TCP
		{path: "example.org", process: deny},
		{path: "example.org.cluster.local", process: deny}, // with the suffixes that KubeArmor adds
		{path: "example.org.svc.cluster.local", process: deny},
		{path: "example.org.domain.name", process: deny},
		{path: "example.org.shop.svc.cluster.local", process: deny},
		{path: "\xc8\x05", process: deny}, // a capability
		{path: "\x66", process: 141},      // the default posture for files
	}
	want := enforcer.Rules{File: 3, Exec: 2, Net: 3, Cap: 1}
	for _, layout := range []struct {
		name       string
		key, value uint32
	}{{"v0.9 to v1.5", 512, 2}, {"v1.6.0", 512, 4}, {"v1.6.10 to v1.7", 400, 4}} {
		t.Run(layout.name, func(t *testing.T) {
			e := lookAlike(t, func() (*lookalike.Enforcer, error) {
				return lookalike.Load(lookalike.LoadKubeArmor,
					lookalike.Inner(layout.key, layout.value, 256, "kubearmor_containers"))
			})
			contained, host := startIn(t, unix.CLONE_NEWPID), startWorkload(t)
			pidns, err := os.Readlink("/proc/" + strconv.Itoa(contained.cmd.Process.Pid) + "/ns/pid")
			must(t, err)
			pid, err := strconv.Atoi(strings.Trim(strings.TrimPrefix(pidns, "pid:"), "[]"))
			must(t, err)
			key := [2]uint32{uint32(pid), contained.mntns}

			must(t, e.Put("kubearmor_containers", key, kubearmorEntries(rules, layout.key, layout.value)))
			wantInForce(t, contained.mntns, "kubearmor", "", want)
			if got, ok := inForce(t, host.mntns); ok {
				t.Errorf("list shows a process of the host: %+v", got)
			}
			recorded(t, contained, []string{
				"openat file_open 3", "execve bprm_check_security 2", "socket socket_create 3",
				"renameat path_rename 3",
			}, "--program", "enforce_*")

			must(t, e.Put("kubearmor_containers", [2]uint32{},
				kubearmorEntries(rules[:1], layout.key, layout.value)))
			wantInForce(t, host.mntns, "kubearmor", "", enforcer.Rules{File: 1})
			recorded(t, host, []string{"openat file_open 1"}, "--program", "enforce_*")

			// A preset is one rule of its own program.
			must(t, e.Maps["kubearmor_protectenv_preset_containers"].Put(key, uint32(2)))
			if scope, err := tracer.SupportedScope(); err != nil || scope != profile.ScopeProgram {
				return // probes measure whole hooks
			}
			recorded(t, contained, []string{"openat file_open 1"}, "--program", "env_preset_*")
			recorded(t, host, []string{"openat file_open 0"}, "--program", "env_preset_*")
			recorded(t, contained, []string{"execve bprm_check_security 0"}, "--program", "exec_preset_*")
			recorded(t, contained, []string{"execve bprm_check_security 2"}, "--program", "enforce_proc")
			recorded(t, contained, []string{"execve bprm_check_security 0"}, "--program", "ima_*",
				"--enforcer", "kubearmor")
		})
	}
}

func kubearmorEntries(rules []kubearmorRule, key, value uint32) map[any]any {
	entries := map[any]any{}
	for _, r := range rules {
		var k [512]byte
		copy(k[:key/2], r.path)
		v := []byte{byte(r.process), byte(r.access)}
		if value == 4 {
			v = binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16(nil, r.process), r.access)
		}
		entries[string(k[:key])] = v
	}
	return entries
}
