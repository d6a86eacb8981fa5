package tracer

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf/link"

	"github.com/lsmprof/lsmprof/bpf"
	"github.com/lsmprof/lsmprof/profile"
)

func TestFilterTable(t *testing.T) {
	const size = 8
	for _, c := range []struct {
		name string
		keys []uint32
		err  string
	}{
		{"none", nil, ""},
		{"one", []uint32{5}, ""},
		{"the same twice", []uint32{5, 5}, ""},
		{"two in one place", []uint32{5, 13}, ""},
		{"at the end", []uint32{7, 15}, ""},
		{"three in one place", []uint32{5, 13, 21}, "same place"},
		{"zero", []uint32{0}, "does not exist"},
	} {
		t.Run(c.name, func(t *testing.T) {
			table, err := table("key", size, c.keys)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("error %v, want %q", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, k := range c.keys {
				if place := 2 * (k % (size / 2)); table[place] != k && table[place+1] != k {
					t.Errorf("%d is not where the probes look: %v", k, table)
				}
			}
		})
	}
}

func TestDifferenceOfWrappedCounters(t *testing.T) {
	last := bpf.ProbeCounter{Tag: 3<<32 | 7, Sum: 1 << 40, Denials: 1<<32 - 1, Preempted: 5}
	last.Readings[10] = 1<<32 - 3
	now := last
	now.Sum += 900
	now.Denials++ // to 0
	now.Readings[10] += 5
	now.Comm = [16]uint8{'c', 'a', 't'}
	d, changed := difference(&now, &last)
	if !changed {
		t.Fatal("no change seen")
	}
	if d.mntns != 7 || d.syscall != 3 || d.comm != "cat" || d.sum != 900 || d.denials != 1 || d.preempted != 0 || d.readings[10] != 5 {
		t.Errorf("%+v", d)
	}
	if _, changed := difference(&now, &now); changed {
		t.Error("change seen where there is none")
	}
}

// A cell may be copied between the update of its sum and that of its histogram: nothing is lost, it comes with the next drain.
func TestDifferenceOfHalfUpdatedCell(t *testing.T) {
	var last, half, whole bpf.ProbeCounter
	half.Sum = 100
	whole.Sum, whole.Readings[20] = 100, 1
	first, changed := difference(&half, &last)
	if !changed {
		t.Fatal("the sum is lost")
	}
	second, _ := difference(&whole, &half)
	if first.sum+second.sum != 100 || first.readings.Count()+second.readings.Count() != 1 {
		t.Errorf("%+v then %+v", first, second)
	}
}

func TestCellsPerCPU(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct {
		what                         string
		memory, taken, targets, cpus int
		want                         int
	}{
		{"never more than serves", DefaultMemory, 0, 1, 2, 1024},
		{"of the default no more than quick probes have", DefaultMemory, 0, 1, 64, 128},
		{"a power of two", DefaultMemory, 0, 40, 4, 512},
		{"never too few to be of use", 1, 0, 200, 64, 16},
		{"more where it is asked for", 512 * mib, 0, 14, 2, 1 << 15},
		{"but no more than could serve", 1 << 40, 0, 14, 2, 1 << 16},
		{"CPUs are counted up to a power of two", DefaultMemory, 0, 16, 33, 128},
		{"what comes later shares what is left", DefaultMemory, 60 * mib, 4, 4, 512},
		{"of which there may be nothing", DefaultMemory, 65 * mib, 4, 4, 16},
	} {
		got := cellsPerCPU(c.memory, c.taken, c.targets, c.cpus)
		if got != c.want {
			t.Errorf("%s: %d bytes, %d taken, for %d targets on %d CPUs: %d cells, want %d", c.what, c.memory, c.taken, c.targets, c.cpus, got, c.want)
		}
		if took := c.taken + c.targets*cellsOfAll(got, c.cpus)*cellSize; got > leastCells && took > c.memory {
			t.Errorf("%s: %d bytes taken of %d", c.what, took, c.memory)
		}
	}
}

func TestPlaceIsTheOrderOfAttaching(t *testing.T) {
	progs := []Program{
		{Name: "late", Hook: "file_open", Links: []link.ID{9}},
		{Name: "early", Hook: "file_open", Links: []link.ID{4}},
		{Name: "other", Hook: "capable", Links: []link.ID{6}},
		{Name: "unattached", Hook: "file_open"},
	}
	place(progs)
	var got []string
	for _, p := range progs {
		got = append(got, fmt.Sprint(p.Name, " ", p.Position))
	}
	if want := []string{"late 1", "early 0", "other 0", "unattached 0"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestSyscallName(t *testing.T) {
	for s, want := range map[uint16]string{
		uint16(bpf.ProbeSyscallKindSYSCALL_X32)<<syscallKindShift | 2:                                              "x32:open",
		uint16(bpf.ProbeSyscallKindSYSCALL_NONE)<<syscallKindShift | uint16(bpf.ProbeNoSyscallNO_SYSCALL_IRQ):      "[irq]",
		uint16(bpf.ProbeSyscallKindSYSCALL_NONE)<<syscallKindShift | uint16(bpf.ProbeNoSyscallNO_SYSCALL_IO_URING): "[io_uring]",
		7<<syscallKindShift | 5: "[unknown 0xe005]",
	} {
		if got := syscallName(s); got != want {
			t.Errorf("%#x: %s, want %s", s, got, want)
		}
	}
}

// pods is a Namer.
type pods map[uint32]string

func (p pods) Name(w profile.Workload) profile.Workload {
	w.Pod = p[w.MntNS]
	return w
}

func TestWorkloadsAreNamedByTheirOldestProcess(t *testing.T) {
	id := strings.Repeat("3f9a", 16)
	w := workloads{t.TempDir(), nil, map[uint32]*profile.Workload{}}
	for pid, p := range map[string]struct{ ns, comm, cgroup string }{
		"900": {"mnt:[4026532100]", "worker", "0::/pod/c1\n"},
		"80":  {"mnt:[4026532100]", "nginx", "12:cpu:/x\n0::/pod/c1\n"},
		"1":   {"mnt:[4026531840]", "systemd", "0::/init.scope\n"},
		// cgroup v1, and v2 without controllers: the container is in the former only.
		"70": {"mnt:[4026532300]", "redis", "5:pids:/kubepods/" + id + "\n0::/system.slice/containerd.service\n"},
	} {
		dir := filepath.Join(w.proc, pid)
		for path, content := range map[string]string{"comm": p.comm + "\n", "cgroup": p.cgroup} {
			if err := os.MkdirAll(filepath.Join(dir, "ns"), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, path), []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Symlink(p.ns, filepath.Join(dir, "ns/mnt")); err != nil {
			t.Fatal(err)
		}
	}
	for ns, want := range map[uint32]profile.Workload{
		4026532100: {MntNS: 4026532100, Comm: "nginx", Cgroup: "/pod/c1"},
		4026531840: {MntNS: 4026531840, Comm: "systemd", Cgroup: "/init.scope"},
		4026532300: {MntNS: 4026532300, Comm: "redis", Cgroup: "/kubepods/" + id, ContainerID: id},
		4026539999: {MntNS: 4026539999, Comm: "sh"}, // by the probe alone
	} {
		if got := *w.note(ns, "sh"); got != want {
			t.Errorf("%d: %+v, want %+v", ns, got, want)
		}
	}
}

func TestContainersAreNamedWhenTheyAreKnown(t *testing.T) {
	known := pods{}
	w := workloads{t.TempDir(), known, map[uint32]*profile.Workload{}}
	first := w.note(7, "app")
	if first.InContainer() {
		t.Errorf("named before it was known: %+v", first)
	}
	known[7] = "web-0"
	w.settle()
	delete(known, 7) // it is gone
	w.settle()
	if w.note(7, "app") != first || first.Pod != "web-0" {
		t.Errorf("gone, it is %+v", first)
	}
	known[7] = "db-0" // the number of its namespace is another's
	w.settle()
	if heir := w.note(7, "postgres"); heir == first || heir.Pod != "db-0" || heir.MntNS != 7 || first.Pod != "web-0" {
		t.Errorf("heir %+v, first %+v", heir, first)
	}
}

func TestFilterFollowsContainers(t *testing.T) {
	now := []uint32{9, 3}
	f := Filter{Follow: func() []uint32 { return slices.Clone(now) }}
	if got := f.namespaces(); !slices.Equal(got, []uint32{3, 9}) {
		t.Errorf("%v", got)
	}
	f.MntNS = []uint32{9, 4}
	if got := f.namespaces(); !slices.Equal(got, []uint32{9}) {
		t.Errorf("with --mntns as well: %v", got)
	}
	now = nil
	if got := f.namespaces(); len(got) != 0 || f.mode() != bpf.ProbeModeMODE_MNTNS {
		t.Errorf("no container yet: %v, mode %v; nothing may pass", got, f.mode())
	}
}
