package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/lsmprof/lsmprof/deploy"
	"github.com/lsmprof/lsmprof/internal/cri"
	"github.com/lsmprof/lsmprof/internal/cri/critest"
	"github.com/lsmprof/lsmprof/internal/enforcer"
)

// daemonContainer returns the container of the DaemonSet as the kubelet asks the runtime for it. hostPaths replace the
// host paths of volumes, by name.
func daemonContainer(t *testing.T, hostPaths map[string]string) *runtime.ContainerConfig {
	t.Helper()
	pod, err := deploy.Pod()
	if err != nil {
		t.Fatal(err)
	}
	return containerOf(pod, hostPaths)
}

// containerOf returns the container of a pod as the kubelet asks the runtime for it.
func containerOf(pod deploy.PodSpec, hostPaths map[string]string) *runtime.ContainerConfig {
	c := pod.Containers[0]
	context := &runtime.LinuxContainerSecurityContext{
		Privileged: c.SecurityContext.Privileged, ReadonlyRootfs: c.SecurityContext.ReadOnlyRootFilesystem,
		NoNewPrivs: !c.SecurityContext.AllowPrivilegeEscalation, Capabilities: &runtime.Capability{
			AddCapabilities:  c.SecurityContext.Capabilities.Add,
			DropCapabilities: c.SecurityContext.Capabilities.Drop,
		},
		RunAsUser: &runtime.Int64Value{Value: c.SecurityContext.RunAsUser},
		NamespaceOptions: &runtime.NamespaceOption{
			Network: runtime.NamespaceMode_NODE,
			Pid:     runtime.NamespaceMode_CONTAINER,
		},
	}
	if pod.HostPID {
		context.NamespaceOptions.Pid = runtime.NamespaceMode_NODE
	}
	if pod.SecurityContext.SeccompProfile.Type == "RuntimeDefault" {
		context.Seccomp = &runtime.SecurityProfile{ProfileType: runtime.SecurityProfile_RuntimeDefault}
	}
	config := &runtime.ContainerConfig{
		Metadata: &runtime.ContainerMetadata{Name: c.Name},
		Image:    &runtime.ImageSpec{Image: critest.App},
		Command:  []string{"/bin/workload"}, // this binary, which is lsmprof
		Args:     c.Args,
		Envs:     []*runtime.KeyValue{{Key: lsmprofEnv, Value: []byte("1")}},
		Linux:    &runtime.LinuxContainerConfig{SecurityContext: context},
	}
	for _, e := range c.Env {
		config.Envs = append(config.Envs, &runtime.KeyValue{Key: e.Name, Value: []byte(e.Value)})
	}
	for _, m := range c.VolumeMounts {
		from := hostPaths[m.Name]
		for _, v := range pod.Volumes {
			if v.Name == m.Name && from == "" {
				from = v.HostPath.Path
			}
		}
		config.Mounts = append(config.Mounts,
			&runtime.Mount{ContainerPath: m.MountPath, HostPath: from, Readonly: m.ReadOnly})
	}
	return config
}

// The container of the DaemonSet works in a real runtime, with its capabilities, seccomp profile, read-only root,
// process ids and mounts.
func serveInAPod(t *testing.T, c *critest.Containerd, r *cri.Runtime) {
	web := c.Pod("shop", "web-2", nil, "").Container("nginx", critest.App)
	nginx := startInContainer(t, r, web.Containers["nginx"])
	startReference(t, map[uint32]enforcer.Rules{nginx.mntns: {File: 8}})
	secret := t.TempDir()
	if err := os.WriteFile(filepath.Join(secret, "token"), []byte("sesame"), 0o600); err != nil {
		t.Fatal(err)
	}
	pod := c.HostPIDPod("lsmprof", "lsmprof-0")
	config := daemonContainer(t, map[string]string{"token": secret, "runtime": filepath.Dir(c.Socket)})
	// Two CPUs under QEMU's TCG may hang if one attaches probes to what the other runs all the time.
	config.Args = append(config.Args, "--program=ref_path_rename")
	pod.Run(config)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(pod.Log("lsmprof"))
		}
	})
	s := &liveServe{t: t, url: "http://127.0.0.1:6061"}
	critest.Wait(t, "lsmprof is ready", func() error {
		_, err := s.get(t.Context(), "/readyz")
		return err
	})
	if _, err := s.get(t.Context(), "/metrics"); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("without the token: %v", err)
	}
	s.token = "sesame"
	const renames = 100
	s.metrics("lsmprof_calls_total") // attaches the probes
	nginx.do("rename", renames)
	nginx.stop()
	labels := []string{"namespace", "pod", "container", "workload", "hook"}
	got := s.metrics("lsmprof_calls_total", labels...)
	if got["shop web-2 nginx shop/web-2/nginx path_rename"] != renames {
		t.Errorf("%v, want %d renames of nginx", got, renames)
	}
	if got := s.metrics("lsmprof_rules_calls_total", "hook", "rules"); got["path_rename 8"] != renames {
		t.Errorf("%v, want %d renames under 8 rules", got, renames)
	}
}
