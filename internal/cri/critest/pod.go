package critest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// Pod is a running pod.
type Pod struct {
	ID         string
	Containers map[string]string // id by name

	c      *Containerd
	config *runtime.PodSandboxConfig
}

// hostNetwork puts a pod into the network of the machine, which needs no CNI.
var hostNetwork = &runtime.NamespaceOption{Network: runtime.NamespaceMode_NODE}

// Pod starts a pod without containers. cgroupParent may be "".
func (c *Containerd) Pod(namespace, name string, labels map[string]string, cgroupParent string) *Pod {
	c.tb.Helper()
	return c.pod(namespace, name, labels, cgroupParent, hostNetwork)
}

// HostPIDPod starts a pod that sees the processes of the machine.
func (c *Containerd) HostPIDPod(namespace, name string) *Pod {
	c.tb.Helper()
	return c.pod(namespace, name, nil, "", &runtime.NamespaceOption{
		Network: runtime.NamespaceMode_NODE,
		Pid:     runtime.NamespaceMode_NODE,
	})
}

// NodeDebugPod starts a pod as `kubectl debug node/NODE --profile=sysadmin --image=busybox -- sleep 3600` does: its
// container, called debugger, is privileged, in the machine's namespaces but for mounts, and has the machine's root at
// /host.
func (c *Containerd) NodeDebugPod(namespace, name string, env ...string) *Pod {
	c.tb.Helper()
	node := &runtime.NamespaceOption{
		Network: runtime.NamespaceMode_NODE, Pid: runtime.NamespaceMode_NODE, Ipc: runtime.NamespaceMode_NODE,
	}
	p := c.pod(namespace, name, nil, "", node, privileged)
	config := &runtime.ContainerConfig{
		Metadata: &runtime.ContainerMetadata{Name: "debugger"},
		Image:    &runtime.ImageSpec{Image: App},
		Args:     []string{"/bin/sleep", "3600"},
		Mounts:   []*runtime.Mount{{ContainerPath: "/host", HostPath: "/"}},
		Linux: &runtime.LinuxContainerConfig{SecurityContext: &runtime.LinuxContainerSecurityContext{
			Privileged: true, NamespaceOptions: node,
		}},
	}
	for _, e := range env {
		key, value, _ := strings.Cut(e, "=")
		config.Envs = append(config.Envs, &runtime.KeyValue{Key: key, Value: []byte(value)})
	}
	return p.Run(config)
}

// privileged makes the sandbox of a pod in which a container is privileged.
func privileged(s *runtime.LinuxSandboxSecurityContext) { s.Privileged = true }

func (c *Containerd) pod(namespace, name string, labels map[string]string, cgroupParent string,
	namespaces *runtime.NamespaceOption, options ...func(*runtime.LinuxSandboxSecurityContext),
) *Pod {
	c.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	p := &Pod{Containers: map[string]string{}, c: c, config: &runtime.PodSandboxConfig{
		Metadata: &runtime.PodSandboxMetadata{
			Name: name, Namespace: namespace, Uid: namespace + "-" + name,
		},
		Labels:       labels,
		LogDirectory: filepath.Join(c.dir, "logs", namespace, name),
		// By default it is a copy of the machine's resolv.conf, which a guest lacks.
		DnsConfig: &runtime.DNSConfig{Servers: []string{"127.0.0.1"}},
		Linux: &runtime.LinuxPodSandboxConfig{
			CgroupParent: cgroupParent,
			SecurityContext: &runtime.LinuxSandboxSecurityContext{
				NamespaceOptions: namespaces,
			},
		},
	}}
	for _, o := range options {
		o(p.config.Linux.SecurityContext)
	}
	if err := os.MkdirAll(p.config.LogDirectory, 0o755); err != nil {
		c.tb.Fatal(err)
	}
	r, err := c.cri.RunPodSandbox(ctx, &runtime.RunPodSandboxRequest{Config: p.config})
	if err != nil {
		c.tb.Fatalf("pod %s: %v", name, err)
	}
	p.ID = r.GetPodSandboxId()
	c.pods = append(c.pods, p.ID)
	return p
}

// Container starts a container. If argv is given, it replaces the command of the image.
func (p *Pod) Container(name, image string, argv ...string) *Pod {
	p.c.tb.Helper()
	return p.Run(&runtime.ContainerConfig{
		Metadata: &runtime.ContainerMetadata{Name: name},
		Image:    &runtime.ImageSpec{Image: image},
		Args:     argv,
		Linux: &runtime.LinuxContainerConfig{
			SecurityContext: &runtime.LinuxContainerSecurityContext{NamespaceOptions: hostNetwork},
		},
	})
}

// Run starts a container with a configuration as a kubelet makes it from a manifest.
func (p *Pod) Run(config *runtime.ContainerConfig) *Pod {
	tb := p.c.tb
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	name := config.Metadata.Name
	config.LogPath = name
	if p.c.workload != "" && config.Image.Image == App {
		config.Mounts = append(config.Mounts, &runtime.Mount{
			ContainerPath: "/bin/workload", HostPath: p.c.workload, Readonly: true,
		})
	}
	r, err := p.c.cri.CreateContainer(ctx, &runtime.CreateContainerRequest{
		PodSandboxId: p.ID, SandboxConfig: p.config, Config: config,
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

// Wait waits for a container to end and returns its exit status.
func (p *Pod) Wait(name string) (status int) {
	p.c.tb.Helper()
	Wait(p.c.tb, "container "+name+" ends", func() error {
		r, err := p.c.cri.ContainerStatus(context.Background(),
			&runtime.ContainerStatusRequest{ContainerId: p.Containers[name]})
		if err == nil && r.GetStatus().GetState() != runtime.ContainerState_CONTAINER_EXITED {
			err = errors.New("it runs")
		}
		status = int(r.GetStatus().GetExitCode())
		return err
	})
	return status
}

// Log returns the output of a container, with the runtime's marks in each line.
func (p *Pod) Log(name string) string {
	text, err := os.ReadFile(filepath.Join(p.config.LogDirectory, name))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// Stop kills all processes of the pod.
func (p *Pod) Stop() {
	p.c.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if _, err := p.c.cri.StopPodSandbox(ctx, &runtime.StopPodSandboxRequest{PodSandboxId: p.ID}); err != nil {
		p.c.tb.Fatalf("stop pod: %v", err)
	}
}

// Delete stops the pod and removes it with its containers.
func (p *Pod) Delete() {
	p.c.tb.Helper()
	p.Stop()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if _, err := p.c.cri.RemovePodSandbox(ctx, &runtime.RemovePodSandboxRequest{PodSandboxId: p.ID}); err != nil {
		p.c.tb.Fatalf("remove pod: %v", err)
	}
	p.c.pods = slices.DeleteFunc(p.c.pods, func(id string) bool { return id == p.ID })
}
