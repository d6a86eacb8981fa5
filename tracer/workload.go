package tracer

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/lsmprof/lsmprof/profile"
)

// Namer knows workloads by better names than their command; a container runtime does.
type Namer interface {
	// Name returns w with the names of the container that its mount namespace or cgroup belongs to, or w as it is. It is asked
	// at every poll and must not block.
	Name(w profile.Workload) profile.Workload
}

// workloads names mount namespaces while somebody lives in them.
type workloads struct {
	proc  string
	namer Namer // nil: none
	names map[uint32]profile.Workload
}

func newWorkloads(n Namer) workloads {
	return workloads{"/proc", n, map[uint32]profile.Workload{}}
}

// Workloads returns the names of the mount namespaces that somebody lives in now. The Namer may be nil.
func Workloads(n Namer) func(mntns uint32) profile.Workload {
	w := newWorkloads(n)
	w.look()
	return w.workload
}

// note makes sure that a namespace has a name: the command and cgroup of its oldest process or, where that is gone already,
// the command that the probe saw.
func (w workloads) note(mntns uint32, comm string) {
	if _, ok := w.names[mntns]; ok {
		return
	}
	w.look()
	if _, ok := w.names[mntns]; !ok {
		w.names[mntns] = profile.Workload{MntNS: mntns, Comm: comm}
	}
}

// look names every namespace that a process lives in. Lower process ids are older, as long as they do not wrap.
func (w workloads) look() {
	entries, err := os.ReadDir(w.proc)
	if err != nil {
		return
	}
	var pids []int
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	for _, pid := range pids {
		dir := filepath.Join(w.proc, strconv.Itoa(pid))
		ns, err := MountNamespace(dir)
		if err != nil {
			continue
		}
		if _, ok := w.names[ns]; !ok {
			w.names[ns] = profile.Workload{MntNS: ns, Comm: readLine(filepath.Join(dir, "comm")), Cgroup: cgroupOf(dir)}
		}
	}
}

func (w workloads) workload(mntns uint32) profile.Workload {
	n, ok := w.names[mntns]
	if !ok {
		n = profile.Workload{MntNS: mntns}
	}
	if w.namer != nil && !n.InContainer() {
		n = w.namer.Name(n)
	}
	return n
}

// MountNamespace is the inode number of the mount namespace of a process, given as its directory in /proc.
func MountNamespace(dir string) (uint32, error) {
	link, err := os.Readlink(filepath.Join(dir, "ns/mnt"))
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimPrefix(link, "mnt:["), "]"), 10, 32)
	return uint32(n), err
}

// cgroupOf is the path of a process in the cgroup v2 hierarchy, "" without one.
func cgroupOf(dir string) string {
	data, err := os.ReadFile(filepath.Join(dir, "cgroup"))
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(data)) {
		if path, ok := strings.CutPrefix(line, "0::"); ok {
			return strings.TrimSpace(path)
		}
	}
	return ""
}

func readLine(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}
