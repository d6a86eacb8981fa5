package cri

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// Container is a container that runs or ran, or the sandbox of a pod.
type Container struct {
	ID             string
	Namespace, Pod string
	Name           string // "": the sandbox
	Image          string // as the pod asks for it; "" of a sandbox
	Labels         string // of the pod: app=web,tier=front
	PID            int    // of its main process, as this pid namespace sees it; 0: not known
	MntNS          uint32 // inode number of its mount namespace; 0: not known
	Cgroup         string // path below which its processes are; "": not known
	UID, GID       int    // that programs run as in it, as its user namespace has them
	Running        bool

	asked int // how often its status was asked for
}

// list is every container and sandbox that runs, without what only a status says.
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
				ID: p.GetId(), Namespace: cleanName(p.GetMetadata().GetNamespace()), Pod: cleanName(p.GetMetadata().GetName()),
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
		found := byID[i.GetPodSandboxId()] // the names are its pod's
		found.ID, found.Name, found.Running = i.GetId(), cleanName(i.GetMetadata().GetName()), true
		if found.Pod == "" { // its sandbox is gone
			found.Namespace = cleanName(i.GetLabels()["io.kubernetes.pod.namespace"])
			found.Pod = cleanName(i.GetLabels()["io.kubernetes.pod.name"])
		}
		if found.Name == "" {
			found.Name = "?" // no sandbox, whatever the runtime says
		}
		all = append(all, found)
	}
	return all, nil
}

// detail adds what only a status says.
func (c *client) detail(ctx context.Context, found *Container) error {
	ctx, cancel := context.WithTimeout(ctx, Deadline)
	defer cancel()
	var text string
	if found.Name == "" {
		s, err := c.PodSandboxStatus(ctx, &runtime.PodSandboxStatusRequest{PodSandboxId: found.ID, Verbose: true})
		if err != nil {
			return explain(err)
		}
		text = s.GetInfo()["info"]
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
		found.Image = clean(found.Image, maxImage, "")
		text = s.GetInfo()["info"]
	}
	found.parseInfo(text)
	found.locate("/proc")
	return nil
}

// locate finds the mount namespace of the main process. A process that is not in the container's cgroup is another one, which got
// the number of one that is gone.
func (c *Container) locate(proc string) {
	if c.PID == 0 {
		return
	}
	dir := filepath.Join(proc, strconv.Itoa(c.PID))
	groups, err := os.ReadFile(filepath.Join(dir, "cgroup"))
	link, linkErr := os.Readlink(filepath.Join(dir, "ns/mnt"))
	if err != nil || linkErr != nil || !c.holds(string(groups)) {
		c.PID = 0
		return
	}
	n, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimPrefix(link, "mnt:["), "]"), 10, 32)
	if err == nil {
		c.MntNS = uint32(n)
	}
}

// holds says whether a process with this /proc/PID/cgroup is in the container, in any hierarchy: cgroup v1, v2 or both.
func (c *Container) holds(groups string) bool {
	for line := range strings.Lines(groups) {
		_, rest, _ := strings.Cut(line, ":")
		_, path, ok := strings.Cut(rest, ":")
		if ok && within(strings.TrimSpace(path), c.Cgroup) >= 0 {
			return true
		}
	}
	return false
}
