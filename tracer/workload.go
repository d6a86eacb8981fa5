package tracer

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/lsmprof/lsmprof/internal/containerid"
	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/profile"
)

// Namer gives workloads better names than their command. A container runtime can.
type Namer interface {
	// Name returns w with the names of the container that its mount namespace or cgroup belongs to, or w
	// unchanged. A Tracer and a Stream call it at every poll, so it must not block.
	Name(w profile.Workload) profile.Workload
}

// workloads names the mount namespaces that processes live in.
type workloads struct {
	proc  string
	namer Namer // may be nil
	// now holds the workload of each namespace. The kernel reuses the number of a namespace that is gone: then the
	// number gets a new workload, and the old one keeps what was charged to it.
	now map[uint32]*profile.Workload
}

// selfWorkload names the workload of Options.OwnNamespace.
const selfWorkload = "[lsmprof]"

func newWorkloads(n Namer) workloads {
	return workloads{"/proc", n, map[uint32]*profile.Workload{}}
}

// Workloads looks at the processes that run now, and returns a function that names the workload in a mount namespace.
// The Namer may be nil.
func Workloads(n Namer) func(mntns uint32) profile.Workload {
	w := newWorkloads(n)
	w.scan()
	w.refreshNames()
	return func(mntns uint32) profile.Workload {
		if known, ok := w.now[mntns]; ok {
			return *known
		}
		return w.named(profile.Workload{MntNS: mntns})
	}
}

// lookup returns the workload in a namespace: the command and the cgroup of its oldest process. If no process is
// left, the workload has the command that the probe saw.
func (w workloads) lookup(mntns uint32, comm string) *profile.Workload {
	if known, ok := w.now[mntns]; ok {
		return known
	}
	w.scan()
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

// refreshNames asks for the names that are not known yet: a container runtime knows a container only some time after
// its first process runs. A known name stays when the container is gone.
func (w workloads) refreshNames() {
	if w.namer == nil {
		return
	}
	for mntns, known := range w.now {
		if !known.InContainer() {
			*known = w.namer.Name(*known)
			continue
		}
		heir := w.namer.Name(profile.Workload{MntNS: mntns})
		if heir.InContainer() && heir.Name() != known.Name() {
			heir.Comm = known.Comm
			w.now[mntns] = &heir
		}
	}
}

// scan finds every namespace that a process lives in. Lower process ids are older, as long as they do not wrap.
func (w workloads) scan() {
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
		if _, ok := w.now[ns]; ok {
			continue
		}
		cgroups, _ := kernel.ReadCgroups(dir) // without them, the workload is named after its command
		cgroup := kernel.ContainerCgroup(cgroups)
		w.now[ns] = &profile.Workload{
			MntNS: ns, Comm: readLine(filepath.Join(dir, "comm")),
			Cgroup: cgroup, ContainerID: containerid.Innermost(cgroup),
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
