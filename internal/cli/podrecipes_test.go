package cli

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/lsmprof/lsmprof/deploy"
	"github.com/lsmprof/lsmprof/internal/cri"
	"github.com/lsmprof/lsmprof/internal/cri/critest"
	"github.com/lsmprof/lsmprof/internal/enforcer"
)

// The recipes of docs/kubernetes.md for one node, as far as a container runtime goes.
func recipes(t *testing.T, c *critest.Containerd, r *cri.Runtime) {
	image := importImage(t, c)
	web := c.Pod("shop", "web-4", nil, "").Container("nginx", critest.App)
	nginx := startInContainer(t, r, web.Containers["nginx"])
	startReference(t, map[uint32]enforcer.Rules{nginx.mntns: {File: 8}})
	t.Run("a Job", func(t *testing.T) { recordAsAJob(t, c, image, nginx) })
	nginx.stop()
}

// whileRenaming runs do while a workload renames files.
func whileRenaming(w *podWorkload, do func()) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		do()
	}()
	for {
		select {
		case <-ended:
			return
		default:
			w.do("rename", 20)
			time.Sleep(50 * time.Millisecond)
		}
	}
}

// jobContainer returns the container of the docs' Job, which measures renames for 3 seconds.
func jobContainer(t *testing.T, c *critest.Containerd, image string) *runtime.ContainerConfig {
	t.Helper()
	spec, err := deploy.JobPod()
	if err != nil {
		t.Fatal(err)
	}
	config := containerOf(spec, map[string]string{"tmp": t.TempDir(), "runtime": filepath.Dir(c.Socket)})
	config.Image, config.Command, config.Envs = &runtime.ImageSpec{Image: image}, nil, config.Envs[1:]
	config.Args = append(config.Args, probeRenames, "--calibration=off", "--duration=3s")
	return config
}

// The Job of the docs prints the table of a node.
func recordAsAJob(t *testing.T, c *critest.Containerd, image string, nginx *podWorkload) {
	config := jobContainer(t, c, image)
	pod := c.HostPIDPod("lsmprof", "lsmprof-record")
	status := 0
	whileRenaming(nginx, func() { status = pod.Run(config).Wait("lsmprof") })
	log := pod.Log("lsmprof")
	if status != exitOK || !strings.Contains(log, "shop/web-4/nginx") || !strings.Contains(log, "path_rename") {
		t.Errorf("status %d, want the renames of nginx:\n%s", status, log)
	}
}
