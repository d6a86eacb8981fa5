package enforcer

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/lsmprof/lsmprof/internal/kernel"
)

// process holds what products identify a process by that do not use its mount namespace.
type process struct {
	mntns, pidns uint32
	cgroup       uint64 // inode number of its directory in the cgroup v2 hierarchy; 0 without one
}

// processes returns the processes in a /proc.
func processes(proc string) ([]process, error) {
	dirs, err := os.ReadDir(proc)
	if err != nil {
		return nil, err
	}
	root := cgroupRoot(filepath.Join(proc, "self/mountinfo"))
	ids := map[string]uint64{}
	var all []process
	for _, d := range dirs {
		if _, err := strconv.Atoi(d.Name()); err != nil {
			continue
		}
		dir := filepath.Join(proc, d.Name())
		mntns, err := kernel.MountNamespace(dir)
		if err != nil {
			continue // the process has ended
		}
		pidns, _ := kernel.Namespace(dir, "pid_for_children")
		p := process{mntns: mntns, pidns: pidns}
		cgroups, _ := kernel.ReadCgroups(dir)
		path := kernel.UnifiedCgroup(cgroups)
		if _, known := ids[path]; !known {
			ids[path] = inode(filepath.Join(root, path))
		}
		p.cgroup = ids[path]
		all = append(all, p)
	}
	return all, nil
}

// byNamespace returns the policy of each mount namespace, given that of each process. It is mixed if the processes of a
// namespace have different ones.
func byNamespace(all []process, of func(process) (Policy, bool)) Policies {
	out := Policies{}
	free := map[uint32]bool{} // namespaces of processes without a policy
	for _, p := range all {
		policy, ok := of(p)
		if !ok {
			free[p.mntns] = true
			continue
		}
		if first, known := out[p.mntns]; known && first.Generation != policy.Generation {
			policy = mixed
		}
		out[p.mntns] = policy
	}
	for ns := range out {
		if free[ns] {
			out[ns] = mixed
		}
	}
	return out
}

// cgroupRoot returns the directory where the cgroup v2 hierarchy is mounted.
func cgroupRoot(mountinfo string) string {
	data, err := os.ReadFile(mountinfo)
	if err != nil {
		return "/sys/fs/cgroup"
	}
	for line := range strings.Lines(string(data)) {
		// id parent device root mountpoint options … - type source options
		before, after, _ := strings.Cut(line, " - ")
		if fields := strings.Fields(before); strings.HasPrefix(after, "cgroup2 ") && len(fields) > 4 {
			return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\134`, `\`).Replace(fields[4])
		}
	}
	return "/sys/fs/cgroup"
}

func inode(path string) uint64 {
	var st syscall.Stat_t
	if syscall.Stat(path, &st) != nil {
		return 0
	}
	return st.Ino
}
