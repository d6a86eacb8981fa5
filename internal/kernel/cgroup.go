package kernel

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
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
	return ParseCgroups(string(data)), nil
}

// ParseCgroups reads the text of /proc/PID/cgroup. It skips lines that make no sense.
func ParseCgroups(text string) []Cgroup {
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
	if ContainerID(unified) != "" {
		return unified
	}
	for _, c := range all {
		if ContainerID(c.Path) != "" {
			return c.Path
		}
	}
	return unified
}

// ContainerID returns the id of the innermost container that a cgroup path belongs to, "" if there is none.
func ContainerID(path string) string {
	ids := ContainerIDs(path)
	if len(ids) == 0 {
		return ""
	}
	return ids[len(ids)-1]
}

// ContainerIDs returns the ids of the containers that a cgroup path belongs to, outermost first. Every runtime puts the
// id, 64 hexadecimal digits, into the name of a container's cgroup. A container may have cgroups of its own below:
// crun puts its processes into SCOPE/container, and systemd in a container makes slices.
func ContainerIDs(path string) []string {
	var ids []string
	for name := range strings.SplitSeq(path, "/") {
		if strings.Contains(name, "conmon-") {
			continue // the container's monitor, which runs outside of it
		}
		for _, word := range hexadecimal.FindAllString(name, -1) {
			if len(word) == 64 {
				ids = append(ids, word)
			}
		}
	}
	return ids
}

var hexadecimal = regexp.MustCompile(`[0-9a-f]+`)
