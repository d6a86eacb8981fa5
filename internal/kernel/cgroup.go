package kernel

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/lsmprof/lsmprof/internal/containerid"
)

// Cgroup says where a process is in one hierarchy of control groups.
type Cgroup struct {
	Hierarchy int    // 0 is cgroup v2
	Path      string // as the reader's cgroup namespace shows it: /system.slice/cron.service
}

// ReadCgroups returns where a process is in each hierarchy. The process is given as its directory in /proc.
func ReadCgroups(dir string) ([]Cgroup, error) {
	data, err := os.ReadFile(filepath.Join(dir, "cgroup"))
	if err != nil {
		return nil, err
	}
	return parseCgroups(string(data)), nil
}

// parseCgroups reads the text of /proc/PID/cgroup. It skips lines that make no sense.
func parseCgroups(text string) []Cgroup {
	var all []Cgroup
	for line := range strings.Lines(text) {
		// hierarchy:controllers:path, where the path may have colons of its own.
		parts := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(parts) < 3 || !strings.HasPrefix(parts[2], "/") {
			continue
		}
		if n, err := strconv.Atoi(parts[0]); err == nil {
			all = append(all, Cgroup{n, parts[2]})
		}
	}
	return all
}

// UnifiedCgroup returns the path in the cgroup v2 hierarchy, "" without one.
func UnifiedCgroup(all []Cgroup) string {
	for _, c := range all {
		if c.Hierarchy == 0 {
			return c.Path
		}
	}
	return ""
}

// ContainerCgroup returns the path that says most about where a process runs: one with a container's id if there is
// one, else that in the cgroup v2 hierarchy. In a hybrid setup, containers are in the v1 hierarchies only.
func ContainerCgroup(all []Cgroup) string {
	unified := UnifiedCgroup(all)
	if containerid.Innermost(unified) != "" {
		return unified
	}
	for _, c := range all {
		if containerid.Innermost(c.Path) != "" {
			return c.Path
		}
	}
	return unified
}
