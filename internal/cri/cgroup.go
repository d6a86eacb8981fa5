package cri

import (
	"fmt"
	"iter"
	"path"
	"strings"

	"github.com/lsmprof/lsmprof/internal/containerid"
)

// spellings returns the cgroup paths that the cgroupsPath of a runtime spec can stand for. The spec does not say which
// driver read it: a low-level runtime with the systemd driver takes slice:prefix:name for a scope below a slice, with
// the cgroupfs driver for a plain path. It returns nil if the path makes no sense to either.
func spellings(spec string) []string {
	if spec == "" {
		return nil
	}
	var all []string
	if plain := path.Join("/", spec); plain != "/" {
		all = append(all, plain)
	}
	if scope, err := scopePath(spec); err == nil {
		all = append(all, scope)
	}
	return all
}

// scopePath returns the path of the systemd unit that slice:prefix:name stands for: prefix-name.scope below the slices
// that the slice's name spells. crun also takes slice:name.
func scopePath(spec string) (string, error) {
	parts := strings.Split(spec, ":")
	slice, unit := parts[0], parts[len(parts)-1]
	if len(parts) < 2 || len(parts) > 3 || unit == "" || strings.Contains(spec[len(slice):], "/") {
		return "", fmt.Errorf("cgroup %q is not slice:prefix:name", spec)
	}
	if slice == "" {
		slice = "system.slice" // runc's default
	}
	dir, err := slicePath(slice)
	if err != nil {
		return "", fmt.Errorf("cgroup %q: %w", spec, err)
	}
	if !strings.HasSuffix(unit, ".slice") {
		if len(parts) == 3 {
			unit = parts[1] + "-" + unit
		}
		unit += ".scope"
	}
	return path.Join(dir, unit), nil
}

// slicePath returns the path of a slice: a-b.slice is /a.slice/a-b.slice, see systemd.slice(5).
func slicePath(slice string) (string, error) {
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

// within returns the index at which the path of a container's cgroup begins in the path of a process's cgroup, -1 if
// the process is not in the container. The index may be above 0, as the hierarchy may be mounted further up.
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

// withinAbove serves a reader in a container with its own cgroup namespace, such as a DaemonSet's. It sees outside
// cgroups as /../../pod/container, counted from where their paths part, so any tail of the container's path may match.
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

// find returns the index at which the container's cgroup begins in the path of a process's cgroup, -1 if the process is
// not in the container. A container may make cgroups of any name below its own, so of several containers that match a
// path, the one with the lowest index is right.
func (c *Container) find(cgroup string) int {
	at := -1
	for _, spelling := range c.cgroups {
		if i := within(cgroup, spelling); i >= 0 && (at < 0 || i < at) {
			at = i
		}
	}
	// Whatever the spelling, every runtime puts the id into the name. Only the outermost id counts: the owner of
	// that cgroup may have given others the names of cgroups below it.
	if ids := containerid.All(cgroup); len(ids) > 0 && ids[0] == c.ID {
		if i := strings.LastIndexByte(cgroup[:strings.Index(cgroup, c.ID)], '/'); at < 0 || i < at {
			at = i
		}
	}
	return at
}

// owner returns the container that a process with this cgroup path is in, nil if it is in none of them.
func owner(cgroup string, all iter.Seq[*Container]) (found *Container) {
	outermost := len(cgroup)
	for c := range all {
		if at := c.find(cgroup); at >= 0 && at < outermost {
			found, outermost = c, at
		}
	}
	return found
}
