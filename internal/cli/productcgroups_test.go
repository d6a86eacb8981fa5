package cli

import (
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/enforcer/lookalike"
	"github.com/lsmprof/lsmprof/internal/vmtest"
	"github.com/lsmprof/lsmprof/tracer"
)

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
