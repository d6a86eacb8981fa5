package enforcer

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lsmprof/lsmprof/tracer"
)

func TestProcesses(t *testing.T) {
	root := t.TempDir()
	proc, cgroups := filepath.Join(root, "proc"), filepath.Join(root, "cg roup")
	for path, content := range map[string]string{
		// In a hybrid setup, cgroup v2 is not mounted at the usual place.
		"proc/self/mountinfo": "24 1 0:21 / /sys/fs/cgroup ro - tmpfs tmpfs ro\n25 24 0:22 / " +
			strings.ReplaceAll(cgroups, " ", `\040`) + " rw,nosuid shared:9 - cgroup2 cgroup2 rw\n",
		"proc/7/cgroup": "12:cpu:/other\n0::/shop/web\n",
		"proc/8/cgroup": "0::/\n",
		"proc/9/cgroup": "", // has ended
		"proc/stat":     "",
	} {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(cgroups, "shop/web"), 0o755); err != nil {
		t.Fatal(err)
	}
	for pid, namespaces := range map[string][2]string{
		"7": {"mnt:[4026532001]", "pid:[4026532002]"},
		"8": {"mnt:[4026531840]", "pid:[4026531836]"},
	} {
		dir := filepath.Join(proc, pid, "ns")
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for i, name := range []string{"mnt", "pid_for_children"} {
			if err := os.Symlink(namespaces[i], filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	got, err := processes(proc)
	if err != nil {
		t.Fatal(err)
	}
	want := []process{
		{4026532001, 4026532002, inode(filepath.Join(cgroups, "shop/web"))},
		{4026531840, initPIDNS, inode(cgroups)},
	}
	if len(got) != len(want) || got[0] != want[0] || got[1] != want[1] || got[0].cgroup == 0 {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestByNamespace(t *testing.T) {
	strict, loose := Policy{Generation: "1", Rules: Rules{File: 2}}, Policy{Generation: "2", Rules: Rules{File: 1}}
	of := map[uint64]Policy{1: strict, 2: loose}
	got := byNamespace([]process{
		{mntns: 10, cgroup: 1},
		{mntns: 10, cgroup: 1}, // the same
		{mntns: 20, cgroup: 1},
		{mntns: 20, cgroup: 2},
		{mntns: 20, cgroup: 2},
		{mntns: 30, cgroup: 1},
		{mntns: 30, cgroup: 9}, // without a policy
		{mntns: 40, cgroup: 9},
	}, func(p process) (Policy, bool) { policy, ok := of[p.cgroup]; return policy, ok })
	if len(got) != 3 || got[10] != strict || !got[20].Mixed || !got[30].Mixed {
		t.Errorf("%+v, want 10 under one policy, 20 and 30 mixed", got)
	}
	if n, ok := got[20].rulesFor(tracer.Program{Hook: "file_open"}); ok {
		t.Errorf("the number of rules in a mixed namespace is %d, want unknown", n)
	}
}
