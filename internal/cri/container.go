package cri

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/lsmprof/lsmprof/internal/kernel"
)

// Container is a container that runs or ran, or the sandbox of a pod.
type Container struct {
	ID             string
	Namespace, Pod string
	Name           string // "" for a sandbox
	Image          string // as the pod asks for it; "" for a sandbox
	Labels         string // of the pod: app=web,tier=front
	PID            int    // of its main process, as this pid namespace sees it; 0 if unknown
	MntNS          uint32 // inode number of its mount namespace; 0 if unknown
	UID, GID       int    // that programs in it run as, as its user namespace numbers them
	Running        bool
	// Unlocated says why no process of the container was found, "" if one was.
	Unlocated string

	cgroups []string // paths that its cgroup may have; see spellings
	asked   int      // how many times the runtime was asked for its status
}

// list returns every container and sandbox that runs, without the fields that only a status has.
func (c *client) list(ctx context.Context) ([]Container, error) {
	ctx, cancel := context.WithTimeout(ctx, Deadline)
	defer cancel()
	pods, err := c.ListPodSandbox(ctx, &runtime.ListPodSandboxRequest{Filter: &runtime.PodSandboxFilter{
		State: &runtime.PodSandboxStateValue{State: runtime.PodSandboxState_SANDBOX_READY},
	}})
	if err != nil {
		return nil, explain(err)
	}
	containers, err := c.ListContainers(ctx, &runtime.ListContainersRequest{Filter: &runtime.ContainerFilter{
		State: &runtime.ContainerStateValue{State: runtime.ContainerState_CONTAINER_RUNNING},
	}})
	if err != nil {
		return nil, explain(err)
	}
	var all []Container
	byID := map[string]Container{}
	for _, p := range pods.GetItems() {
		if validID(p.GetId()) {
			pod := Container{
				ID: p.GetId(), Namespace: cleanName(p.GetMetadata().GetNamespace()),
				Pod:    cleanName(p.GetMetadata().GetName()),
				Labels: cleanLabels(p.GetLabels()), Running: true,
			}
			byID[pod.ID] = pod
			all = append(all, pod)
		}
	}
	for _, i := range containers.GetContainers() {
		if !validID(i.GetId()) {
			continue
		}
		found := byID[i.GetPodSandboxId()] // its pod's names
		found.ID, found.Name, found.Running = i.GetId(), cleanName(i.GetMetadata().GetName()), true
		if found.Pod == "" { // its sandbox is gone
			found.Namespace = cleanName(i.GetLabels()["io.kubernetes.pod.namespace"])
			found.Pod = cleanName(i.GetLabels()["io.kubernetes.pod.name"])
		}
		if found.Name == "" {
			found.Name = "?" // a container without a name, lest it pass for a sandbox
		}
		all = append(all, found)
	}
	return all, nil
}

// detail adds to a container the fields that only a status has.
func (c *client) detail(ctx context.Context, found *Container) error {
	ctx, cancel := context.WithTimeout(ctx, Deadline)
	defer cancel()
	var info string
	if found.Name == "" {
		request := &runtime.PodSandboxStatusRequest{PodSandboxId: found.ID, Verbose: true}
		s, err := c.PodSandboxStatus(ctx, request)
		if err != nil {
			return explain(err)
		}
		info = s.GetInfo()["info"]
	} else {
		s, err := c.ContainerStatus(ctx, &runtime.ContainerStatusRequest{ContainerId: found.ID, Verbose: true})
		if err != nil {
			return explain(err)
		}
		image := s.GetStatus().GetImage()
		found.Image = image.GetUserSpecifiedImage()
		if found.Image == "" {
			found.Image = image.GetImage()
		}
		found.Image = cleanMessage(found.Image)
		info = s.GetInfo()["info"]
	}
	found.parseInfo(info)
	return nil
}

// locate finds the mount namespace of the container's main process. The kernel may have given the number of a process
// that is gone to another one, so a process outside the container's cgroup does not count. If the runtime names no
// process, or one that is elsewhere, any process in the container's cgroup serves. The containers are all that run,
// c among them: a container may make cgroups below its own that imitate those of others.
func (c *Container) locate(proc string, containers []Container) {
	pid, hidden := c.PID, 0
	c.PID, c.MntNS, c.Unlocated = 0, 0, ""
	for _, candidate := range append([]int{pid}, processes(proc)...) {
		switch err := c.take(proc, candidate, containers); {
		case err == nil:
			return
		case errors.Is(err, fs.ErrPermission) && hidden == 0:
			hidden = candidate
		}
	}
	switch {
	case hidden != 0:
		c.Unlocated = fmt.Sprintf("the mount namespace of process %d cannot be read: permission denied, by "+
			"AppArmor or for lack of CAP_SYS_PTRACE", hidden)
	case len(c.cgroups) == 0:
		c.Unlocated = "the runtime does not report its cgroup"
	case pid == 0:
		c.Unlocated = "no process is in " + c.cgroups[0]
	default:
		c.Unlocated = fmt.Sprintf("neither process %d nor any other is in %s", pid, c.cgroups[0])
	}
}

// errElsewhere means that a process is not in the container.
var errElsewhere = errors.New("not in the container")

// take makes a process the container's main process if it is in the container. Otherwise it returns errElsewhere, or
// why the process could not be read.
func (c *Container) take(proc string, pid int, containers []Container) error {
	dir := filepath.Join(proc, strconv.Itoa(pid))
	groups, err := kernel.ReadCgroups(dir)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(groups, func(g kernel.Cgroup) bool { return c.holds(g.Path, containers) }) {
		return errElsewhere
	}
	mntns, err := kernel.MountNamespace(dir)
	if err != nil {
		return err
	}
	c.PID, c.MntNS = pid, mntns
	return nil
}

// holds reports whether a process with this cgroup path is in the container rather than in another one.
func (c *Container) holds(cgroup string, containers []Container) bool {
	found := owner(cgroup, func(yield func(*Container) bool) {
		for i := range containers {
			if !yield(&containers[i]) {
				return
			}
		}
	})
	return found != nil && found.ID == c.ID
}

// processes lists the process ids in a /proc, lowest first.
func processes(proc string) []int {
	entries, _ := os.ReadDir(proc) // without it, no process is found
	var all []int
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			all = append(all, pid)
		}
	}
	slices.Sort(all)
	return all
}
