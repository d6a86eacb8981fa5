package cli

import (
	"encoding/binary"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/enforcer/lookalike"
	"github.com/lsmprof/lsmprof/internal/listing"
	"github.com/lsmprof/lsmprof/internal/vmtest"
	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

// lookAlike loads a look-alike of a product, which stays loaded until the test ends.
func lookAlike[E interface{ Close() error }](t *testing.T, load func() (E, error)) E {
	t.Helper()
	e, err := load()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// inForce returns what `lsmprof list` shows for a workload, and whether it shows anything.
func inForce(t *testing.T, mntns uint32, args ...string) (listing.Workload, bool) {
	t.Helper()
	var l listing.Listing
	must(t, json.Unmarshal([]byte(listed(t, append(args, "--json")...)), &l))
	i := slices.IndexFunc(l.Workloads, func(w listing.Workload) bool { return w.MntNS == mntns })
	if i < 0 {
		return listing.Workload{}, false
	}
	return l.Workloads[i], true
}

func wantInForce(t *testing.T, mntns uint32, enforcerName, mode string, want enforcer.Rules, args ...string) {
	t.Helper()
	got, ok := inForce(t, mntns, args...)
	if !ok || got.Enforcer != enforcerName || got.Mode != mode || got.Rules != want || got.Mixed {
		t.Errorf("list: %+v (%v), want %s, mode %q, %+v\n%s", got, ok, enforcerName, mode, want,
			listed(t, args...))
	}
	// The rules that are printed are those that are counted.
	if got, _ = inForce(t, mntns, append(args, "--rules")...); len(got.List) == 0 {
		return
	}
	var printed enforcer.Rules
	for _, r := range got.List {
		*printed.Named(r.Kind)++
		if r.Text == "" {
			t.Errorf("%s rule %d has no text", r.Kind, r.Index)
		}
	}
	if printed != want {
		t.Errorf("list --rules prints %+v, want %+v: %+v", printed, want, got.List)
	}
}

// recorded runs `lsmprof record` while a workload does each operation 10 times, and checks that these calls are in the
// profile. The operations are given as `SYSCALL HOOK RULES`.
func recorded(t *testing.T, w *workload, want []string, args ...string) {
	t.Helper()
	r := startRecord(t, args...)
	for _, key := range want {
		operation, _, _ := strings.Cut(key, " ")
		w.do(strings.TrimSuffix(operation, "at")+map[bool]string{true: "at"}[operation == "openat"], 10)
	}
	got := calls(r.finish(), w.mntns)
	for _, key := range want {
		if !r.all(got[key], 10) {
			t.Errorf("record: %s: %d calls, want 10; all: %v; %s", key, got[key], got, r.stderr.String())
		}
	}
}

func TestVArmor(t *testing.T) {
	vmtest.Guest(t)
	rules := enforcer.Rules{File: 8, Exec: 4, Net: 2, Mount: 1, Cap: 3, Ptrace: 1}
	for _, layout := range lookalike.VArmorLayouts {
		t.Run(layout.Name, func(t *testing.T) {
			if !layout.Modes {
				vmtest.OnOneKernel(t)
			}
			w := startWorkload(t)
			v := lookAlike(t, layout.Load)
			if got, ok := inForce(t, w.mntns); ok {
				t.Errorf("list shows an unconfined workload: %+v", got)
			}
			must(t, v.Confine(w.mntns, lookalike.VArmorEnforce, rules))
			mode := map[bool]string{true: enforcer.Enforce}[layout.Modes]
			wantInForce(t, w.mntns, "varmor", mode, rules)
			got := listedJSON(t).Enforcers
			if layout.Modes && (len(got) != 1 || got[0].Version != layout.Name) {
				t.Errorf("list: %+v, want the version %s, which the layout tells", got, layout.Name)
			}
			recorded(t, w, []string{
				"openat file_open 8", "execve bprm_check_security 4", "connect socket_connect 2",
				"socket socket_create 2", "mount sb_mount 1",
				"renameat path_rename 8", "symlinkat path_symlink 8", "linkat path_link 8",
			})

			must(t, v.Confine(w.mntns, lookalike.VArmorEnforce, enforcer.Rules{File: 50}))
			wantInForce(t, w.mntns, "varmor", mode, enforcer.Rules{File: 50})
			if layout.Modes {
				must(t, v.Confine(w.mntns, lookalike.VArmorEnforce, enforcer.Rules{}))
				wantInForce(t, w.mntns, "varmor", enforcer.Allow, enforcer.Rules{}) // AlwaysAllow
				must(t, v.Confine(w.mntns, lookalike.VArmorComplain, rules))
				wantInForce(t, w.mntns, "varmor", enforcer.Complain, enforcer.Rules{})
				recorded(t, w, []string{"openat file_open 0"}, "--hook", "file_open")
			}
			must(t, v.Release(w.mntns))
			if got, ok := inForce(t, w.mntns); ok {
				t.Errorf("list shows a released workload: %+v", got)
			}
		})
	}
}

// TestVArmorOfAnUnknownLayout checks that rules with another layout cause a warning, and are not counted.
func TestVArmorOfAnUnknownLayout(t *testing.T) {
	vmtest.Guest(t)
	vmtest.OnOneKernel(t)
	w := startWorkload(t)
	for name, c := range map[string]struct {
		options []lookalike.Option
		message string
	}{
		"rules": {
			[]lookalike.Option{lookalike.Inner(4, 144, 64, "v_file_outer")},
			"rules of 144 bytes: not the layout of v0.9 to v0.10",
		},
		"profiles": {[]lookalike.Option{lookalike.Values("v_ptrace", 16)}, "v_ptrace (4 -> 16 B)"},
	} {
		t.Run(name, func(t *testing.T) {
			e := lookAlike(t, func() (*lookalike.Enforcer, error) {
				return lookalike.Load(lookalike.LoadVArmor, append([]lookalike.Option{
					lookalike.Inner(4, 140, 64, "v_file_outer", "v_bprm_outer", "v_net_outer",
						"v_mount_outer"),
				}, c.options...)...)
			})
			size := 140
			if name == "rules" {
				size = 144
			}
			must(t, e.Maps["v_profile_mode"].Put(w.mntns, lookalike.VArmorEnforce))
			must(t, e.Put("v_file_outer", w.mntns, map[any]any{uint32(0): make([]byte, size)}))
			if text := listed(t); !strings.Contains(text, c.message) {
				t.Errorf("no %q in\n%s", c.message, text)
			}
			recorded(t, w, []string{"openat file_open unknown"})
		})
	}
}

func TestUnknownEnforcers(t *testing.T) {
	vmtest.Guest(t)
	vmtest.OnOneKernel(t)
	w := startWorkload(t)
	e := lookAlike(t, func() (*lookalike.Enforcer, error) {
		return lookalike.Load(lookalike.LoadUnknown, lookalike.Inner(4, 4, 64, "acme_policies_of_tenants"))
	})
	for key := range uint64(5) {
		must(t, e.Maps["acme_rules"].Put(key<<32|7, uint32(1)))
	}
	must(t, e.Maps["acme_rules"].Put(uint64(8), uint32(1)))
	must(t, e.Put("acme_policies_of_tenants", uint32(1), map[any]any{uint32(0): uint32(0), uint32(1): uint32(0)}))
	must(t, e.Put("acme_policies_of_tenants", uint32(2), map[any]any{uint32(0): uint32(0)}))
	// Without a holder but lsmprof, the first name of each group of programs that share a map.
	const shared, alone = "generic:acme_exec", "generic:acme_rename"
	for _, c := range []struct {
		flags          []string
		group          string
		rules          int
		open, renaming string
	}{
		{flags: nil, open: "unknown", renaming: "unknown"},
		{[]string{"--rules=3"}, shared, 3, "3", "3"},
		{[]string{"--rules-map", "acme_rules"}, shared, 6, "6", "unknown"},
		{[]string{"--rules-map", "acme_rules:0x07000000"}, shared, 5, "5", "unknown"},
		{[]string{"--rules-map", "acme_policies_of_tenants"}, alone, 3, "unknown", "3"},
		{[]string{"--rules-map", "acme_policies_of_tenants:0x01"}, alone, 2, "unknown", "2"},
		{[]string{"--rules-map", "acme_none"}, "", 0, "unknown", "unknown"},
	} {
		t.Run(strings.Join(c.flags, " "), func(t *testing.T) {
			if c.group != "" {
				wantInForce(t, tracer.AllWorkloads, c.group, "", enforcer.Rules{Other: c.rules},
					c.flags...)
			} else if got, ok := inForce(t, tracer.AllWorkloads, c.flags...); ok {
				t.Errorf("list: %+v", got)
			}
			recorded(t, w, []string{"openat file_open " + c.open, "renameat path_rename " + c.renaming},
				c.flags...)
		})
	}
	t.Run("selected", func(t *testing.T) {
		r := startRecord(t, "--enforcer", alone)
		w.do("openat", 10)
		w.do("rename", 10)
		got := calls(r.finish(), w.mntns)
		if !r.all(got["renameat path_rename unknown"], 10) || got["openat file_open unknown"] != 0 {
			t.Errorf("--enforcer %s: %v", alone, got)
		}
	})
}

// cgroup makes a cgroup in the v2 hierarchy, moves processes into it, and returns its id.
func cgroup(t *testing.T, pids ...int) uint64 {
	t.Helper()
	root := t.TempDir()
	must(t, unix.Mount("cgroup2", root, "cgroup2", 0, ""))
	t.Cleanup(func() { unix.Unmount(root, unix.MNT_DETACH) })
	dir := filepath.Join(root, strings.ReplaceAll(t.Name(), "/", "-"))
	must(t, os.Mkdir(dir, 0o755))
	for _, pid := range pids {
		must(t, os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0))
	}
	t.Cleanup(func() {
		for _, pid := range pids {
			os.WriteFile(filepath.Join(root, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0)
		}
		os.Remove(dir)
	})
	var st unix.Stat_t
	must(t, unix.Stat(dir, &st))
	return st.Ino
}

func TestSystemd(t *testing.T) {
	vmtest.Guest(t)
	vmtest.OnOneKernel(t)
	w, free := startWorkload(t), startWorkload(t)
	e := lookAlike(t, func() (*lookalike.Enforcer, error) {
		return lookalike.Load(lookalike.LoadSystemd, lookalike.Inner(4, 4, 128, "cgroup_hash"))
	})
	wantNone := func() {
		t.Helper()
		if got, ok := inForce(t, w.mntns); ok {
			t.Errorf("list: %+v", got)
		}
	}
	wantNone()
	id := cgroup(t, w.cmd.Process.Pid)
	// An allow list of three file systems; the key 0 says that it is one.
	must(t, e.Put("cgroup_hash", id, map[any]any{
		uint32(0): uint32(1), uint32(0xef53): uint32(0),
		uint32(0x9123683e): uint32(0), uint32(0x1021994): uint32(0),
	}))
	wantInForce(t, w.mntns, "systemd", "", enforcer.Rules{File: 3})
	r := startRecord(t)
	w.do("openat", 10)
	free.do("openat", 20)
	rows := r.finish()
	confined, unconfined := calls(rows, w.mntns), calls(rows, free.mntns)
	if n := confined["openat file_open 3"]; !r.all(n, 10) {
		t.Errorf("record: %d calls under 3 rules, want 10; all: %v", n, confined)
	}
	if n := unconfined["openat file_open 0"]; !r.all(n, 20) {
		t.Errorf("record: %d calls under no rules, want 20; all: %v", n, unconfined)
	}
	// A process without restrictions joins its mount namespace: no number of rules is true of both.
	beside := exec.Command("nsenter", "--mount=/proc/"+strconv.Itoa(w.cmd.Process.Pid)+"/ns/mnt", "sleep", "1000")
	must(t, beside.Start())
	t.Cleanup(func() { beside.Process.Kill(); beside.Wait() })
	vmtest.WaitFor(t, "a mixed namespace", func() bool { got, _ := inForce(t, w.mntns); return got.Mixed })
	recorded(t, w, []string{"openat file_open unknown"})
	beside.Process.Kill()
	beside.Wait()
	must(t, e.Maps["cgroup_hash"].Delete(id))
	wantNone()
}

func TestBPFLock(t *testing.T) {
	vmtest.Guest(t)
	vmtest.OnOneKernel(t)
	e := lookAlike(t, func() (*lookalike.Enforcer, error) { return lookalike.Load(lookalike.LoadBPFLock) })
	must(t, e.Maps["bpfrestrict_args_map"].Put(uint32(1), uint32(2))) // profile: baseline
	// Blocked: loading programs, and writing to users' memory.
	must(t, e.Maps["bpfrestrict_args_map"].Put(uint32(3), uint32(0x104)))
	must(t, e.Maps["filelesslock_args_map"].Put(uint32(1), uint32(1))) // profile: allow
	wantInForce(t, tracer.AllWorkloads, "bpflock", "", enforcer.Rules{Other: 3})
	r := startRecord(t)
	listed(t) // calls bpf(2) many times
	hook := map[string]uint64{}
	for _, row := range r.finish() {
		if row.Hook == "bpf" {
			hook[rulesText(row.Rules)] += row.Seen
		}
	}
	if hook["3"] == 0 || len(hook) > 2 {
		t.Errorf("calls of bpf(2) ran under %v rules, want 3, or unknown at the beginning", hook)
	}
}

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

func TestTetragon(t *testing.T) {
	vmtest.Guest(t)
	w, free := startWorkload(t), startWorkload(t)
	sensor := func(hook string, policy, selectors uint32) *lookalike.Enforcer {
		t.Helper()
		e := lookAlike(t, func() (*lookalike.Enforcer, error) {
			return lookalike.Load(lookalike.LoadTetragon, lookalike.Hook(hook))
		})
		filter := make([]byte, 4096)
		binary.LittleEndian.PutUint32(filter, selectors)
		must(t, e.Maps["filter_map"].Put(uint32(0), filter))
		must(t, e.Maps["config_map"].Put(uint32(0), lookalike.TetragonEventConfig{PolicyId: policy}))
		return e
	}
	sensor("file_open", 0, 3)
	sensor("socket_create", 0, 0) // without a selector, it matches every call
	only := sensor("path_rename", 7, 2)
	wantInForce(t, tracer.AllWorkloads, "tetragon", "", enforcer.Rules{File: 3, Net: 1})

	id := cgroup(t, w.cmd.Process.Pid)
	must(t, only.Put("policy_filter_maps", uint32(7), map[any]any{id: uint8(0)}))
	wantInForce(t, w.mntns, "tetragon", "", enforcer.Rules{File: 5, Net: 1})
	if got, ok := inForce(t, free.mntns); ok {
		t.Errorf("list shows a workload to which no policy of its own applies: %+v", got)
	}
	r := startRecord(t)
	for _, w := range []*workload{w, free} {
		w.do("openat", 10)
		w.do("socket", 10)
		w.do("rename", 10)
	}
	rows := r.finish()
	for _, c := range []struct {
		mntns  uint32
		rename string
	}{{w.mntns, "2"}, {free.mntns, "0"}} {
		got := calls(rows, c.mntns)
		for _, key := range []string{
			"openat file_open 3", "socket socket_create 1", "renameat path_rename " + c.rename,
		} {
			if !r.all(got[key], 10) {
				t.Errorf("%s: %d calls, want 10; all: %v; %s", key, got[key], got, r.stderr.String())
			}
		}
	}
}
