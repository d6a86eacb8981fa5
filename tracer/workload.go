package tracer

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/lsmprof/lsmprof/internal/kernel"
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
	// Who lives in a namespace now. Its number goes to another one when it is gone: then there is a new workload for it, and what
	// the old one was charged stays with that.
	now map[uint32]*profile.Workload
}

func newWorkloads(n Namer) workloads {
	return workloads{"/proc", n, map[uint32]*profile.Workload{}}
}

// Workloads returns the names of the mount namespaces that somebody lives in now. The Namer may be nil.
func Workloads(n Namer) func(mntns uint32) profile.Workload {
	w := newWorkloads(n)
	w.look()
	w.settle()
	return func(mntns uint32) profile.Workload {
		if known, ok := w.now[mntns]; ok {
			return *known
		}
		return w.named(profile.Workload{MntNS: mntns})
	}
}

// note is the workload in a namespace: the command and cgroup of its oldest process or, where that is gone already, the command
// that the probe saw.
func (w workloads) note(mntns uint32, comm string) *profile.Workload {
	if known, ok := w.now[mntns]; ok {
		return known
	}
	w.look()
	if _, ok := w.now[mntns]; !ok {
		w.now[mntns] = &profile.Workload{MntNS: mntns, Comm: comm}
	}
	*w.now[mntns] = w.named(*w.now[mntns])
	return w.now[mntns]
}

func (w workloads) named(wl profile.Workload) profile.Workload {
	if w.namer == nil {
		return wl
	}
	return w.namer.Name(wl)
}

// settle asks for names that are not known yet: a container runtime tells of a container later than its first process runs. A
// name once known stays, also when the container is gone.
func (w workloads) settle() {
	if w.namer == nil {
		return
	}
	for mntns, known := range w.now {
		if !known.InContainer() {
			*known = w.namer.Name(*known)
			continue
		}
		if heir := w.namer.Name(profile.Workload{MntNS: mntns}); heir.InContainer() && heir.Name() != known.Name() {
			heir.Comm = known.Comm
			w.now[mntns] = &heir
		}
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
		ns, err := kernel.MountNamespace(dir)
		if err != nil {
			continue
		}
		if _, ok := w.now[ns]; !ok {
			cgroups, _ := kernel.ReadCgroups(dir) // without them, the workload is named after its command
			cgroup := kernel.ContainerCgroup(cgroups)
			w.now[ns] = &profile.Workload{
				MntNS: ns, Comm: readLine(filepath.Join(dir, "comm")), Cgroup: cgroup, ContainerID: kernel.ContainerID(cgroup),
			}
		}
	}
}

func readLine(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}
