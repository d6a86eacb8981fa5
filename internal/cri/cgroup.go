package cri

import (
	"fmt"
	"path"
	"strings"
)

// expandCgroup turns the cgroupsPath of a runtime spec into the path that it stands for. With the systemd driver it is
// slice:prefix:name, the scope prefix-name.scope below the slices that the slice's name spells; with cgroupfs it is the path
// itself.
func expandCgroup(spec string) (string, error) {
	parts := strings.Split(spec, ":")
	if len(parts) != 3 {
		if spec == "" || strings.Contains(spec, ":") {
			return "", fmt.Errorf("cgroup %q: neither a path nor slice:prefix:name", spec)
		}
		return path.Join("/", spec), nil
	}
	slice, prefix, name := parts[0], parts[1], parts[2]
	if name == "" || strings.Contains(prefix+name, "/") {
		return "", fmt.Errorf("cgroup %q: no name of a scope", spec)
	}
	if slice == "" {
		slice = "system.slice" // as runc does
	}
	dir, err := expandSlice(slice)
	if err != nil {
		return "", fmt.Errorf("cgroup %q: %w", spec, err)
	}
	unit := name
	if !strings.HasSuffix(name, ".slice") {
		unit = prefix + "-" + name + ".scope"
	}
	return path.Join(dir, unit), nil
}

// expandSlice: a-b.slice is /a.slice/a-b.slice, see systemd.slice(5).
func expandSlice(slice string) (string, error) {
	name, ok := strings.CutSuffix(slice, ".slice")
	if !ok || name == "" || strings.Contains(name, "/") {
		return "", fmt.Errorf("%q is not the name of a slice", slice)
	}
	if name == "-" {
		return "/", nil
	}
	dir, prefix := "/", ""
	for part := range strings.SplitSeq(name, "-") {
		if part == "" {
			return "", fmt.Errorf("%q is not the name of a slice", slice)
		}
		dir = path.Join(dir, prefix+part+".slice")
		prefix += part + "-"
	}
	return dir, nil
}

// within is where the path of a container's cgroup begins in that of a process, -1 where it does not: the hierarchy may be
// mounted further up, and a container within a container sees only the end of its path.
func within(cgroup, container string) int {
	if container == "" || container == "/" {
		return -1
	}
	if strings.HasPrefix(cgroup, "/../") {
		for strings.HasPrefix(cgroup, "/../") {
			cgroup = cgroup[len("/.."):]
		}
		return withinAbove(cgroup+"/", container)
	}
	return strings.Index(cgroup+"/", container+"/")
}

// withinAbove is for who runs in a container with a cgroup namespace of its own, as that of a DaemonSet: it sees what is outside as
// /../../pod/container, from where their paths part. So much of the container's path is the beginning of that.
func withinAbove(cgroup, container string) int {
	for {
		if strings.HasPrefix(cgroup, container+"/") {
			return 0
		}
		next := strings.IndexByte(container[1:], '/')
		if next < 0 {
			return -1
		}
		container = container[1+next:]
	}
}
