package critest

import (
	"context"

	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// Pod is a pod that runs.
type Pod struct {
	ID         string
	Containers map[string]string // id by name

	c      *Containerd
	config *runtime.PodSandboxConfig
}

// hostNetwork saves the CNI.
var hostNetwork = &runtime.NamespaceOption{Network: runtime.NamespaceMode_NODE}

// Pod starts a pod without containers. cgroupParent may be "".
func (c *Containerd) Pod(namespace, name string, labels map[string]string, cgroupParent string) *Pod {
	c.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	p := &Pod{Containers: map[string]string{}, c: c, config: &runtime.PodSandboxConfig{
		Metadata: &runtime.PodSandboxMetadata{Name: name, Namespace: namespace, Uid: namespace + "-" + name},
		Labels:   labels,
		// Without one it is a copy of the machine's resolv.conf, which a guest does not have.
		DnsConfig: &runtime.DNSConfig{Servers: []string{"127.0.0.1"}},
		Linux: &runtime.LinuxPodSandboxConfig{
			CgroupParent:    cgroupParent,
			SecurityContext: &runtime.LinuxSandboxSecurityContext{NamespaceOptions: hostNetwork},
		},
	}}
	r, err := c.cri.RunPodSandbox(ctx, &runtime.RunPodSandboxRequest{Config: p.config})
	if err != nil {
		c.tb.Fatalf("pod %s: %v", name, err)
	}
	p.ID = r.GetPodSandboxId()
	c.pods = append(c.pods, p.ID)
	return p
}

// Container starts a container; argv replaces what the image runs.
func (p *Pod) Container(name, image string, argv ...string) *Pod {
	tb := p.c.tb
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	r, err := p.c.cri.CreateContainer(ctx, &runtime.CreateContainerRequest{
		PodSandboxId: p.ID, SandboxConfig: p.config,
		Config: &runtime.ContainerConfig{
			Metadata: &runtime.ContainerMetadata{Name: name},
			Image:    &runtime.ImageSpec{Image: image},
			Args:     argv,
			Linux:    &runtime.LinuxContainerConfig{SecurityContext: &runtime.LinuxContainerSecurityContext{NamespaceOptions: hostNetwork}},
		},
	})
	if err == nil {
		_, err = p.c.cri.StartContainer(ctx, &runtime.StartContainerRequest{ContainerId: r.GetContainerId()})
	}
	if err != nil {
		tb.Fatalf("container %s: %v", name, err)
	}
	p.Containers[name] = r.GetContainerId()
	return p
}

// Stop ends all that is in the pod, at once.
func (p *Pod) Stop() {
	p.c.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if _, err := p.c.cri.StopPodSandbox(ctx, &runtime.StopPodSandboxRequest{PodSandboxId: p.ID}); err != nil {
		p.c.tb.Fatalf("stop pod: %v", err)
	}
}
