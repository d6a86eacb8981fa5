// Package critest runs a real containerd for tests: Debian's package with its CRI plugin and the native snapshotter.
// Pods are in the network of the machine, and images are made of local programs, so tests need neither a registry nor
// a CNI.
package critest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// Images. App has busybox and a shell, Bare a single program.
const (
	App   = "lsmprof.test/app:1"
	Bare  = "lsmprof.test/bare:1"
	pause = "lsmprof.test/pause:1"
)

// limit bounds every wait. Tests run in emulated machines beside others.
const limit = 10 * time.Minute

// Containerd is a containerd with its state in its own directory.
type Containerd struct {
	Socket string

	tb   testing.TB
	dir  string
	cmd  *exec.Cmd
	log  *os.File
	conn *grpc.ClientConn
	cri  runtime.RuntimeServiceClient
	pods []string

	apparmor bool   // the machine's profiles confine containers
	workload string // program that containers of App have besides those of the image; "": none
}

// config has NoPivotRoot because runc cannot pivot_root on the initramfs of a guest.
const config = `version = 2
root = "%[1]s/root"
state = "%[1]s/state"
disabled_plugins = [
  "io.containerd.internal.v1.opt", "io.containerd.internal.v1.tracing", "io.containerd.snapshotter.v1.devmapper",
]
[grpc]
  address = "%[1]s/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "` + pause + `"
  disable_apparmor = %[2]t
  restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".containerd]
  snapshotter = "native"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
  NoPivotRoot = true
`

// Available returns why containers cannot run here, nil if they can.
func Available() error {
	if os.Getuid() != 0 {
		return errors.New("containers need root")
	}
	for _, name := range []string{"containerd", "containerd-shim-runc-v2", "runc", "ctr", "busybox"} {
		if _, err := exec.LookPath(name); err != nil {
			return fmt.Errorf("%w. `make deps` installs it", err)
		}
	}
	// Root may lack its capabilities, as in most containers.
	namespaces := exec.Command("busybox", "true")
	namespaces.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID}
	if err := namespaces.Run(); err != nil {
		return fmt.Errorf("make namespaces: %w", err)
	}
	if err := unix.Access("/sys/fs/cgroup", unix.W_OK); err != nil {
		return fmt.Errorf("make cgroups: %w", err)
	}
	return nil
}

// Start starts a containerd and imports the images. If workload is not "", containers of App have this static program
// as /bin/workload. The environment of App is env. Everything ends with the test.
func Start(tb testing.TB, workload string, env ...string) *Containerd {
	tb.Helper()
	return start(tb, false, workload, env...)
}

// StartConfining is Start for containers that AppArmor confines: with the runtime's default profile, or the one that a
// container names.
func StartConfining(tb testing.TB, workload string, env ...string) *Containerd {
	tb.Helper()
	return start(tb, true, workload, env...)
}

func start(tb testing.TB, apparmor bool, workload string, env ...string) *Containerd {
	tb.Helper()
	// The path of a socket has at most 107 characters, and t.TempDir may be longer.
	dir, err := os.MkdirTemp("", "cri")
	if err != nil {
		tb.Fatal(err)
	}
	c := &Containerd{Socket: filepath.Join(dir, "containerd.sock"), tb: tb, dir: dir, apparmor: apparmor}
	if err := os.WriteFile(filepath.Join(dir, "config.toml"), fmt.Appendf(nil, config, dir, !apparmor),
		0o644); err != nil {
		tb.Fatal(err)
	}
	if c.log, err = os.Create(filepath.Join(dir, "log")); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.remove)
	c.Launch()
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		tb.Fatal(err)
	}
	app := image{
		name: App, files: map[string]string{"/bin/busybox": busybox}, links: map[string]string{}, env: env,
		argv: []string{"/bin/sleep", "1000000"},
	}
	for _, applet := range []string{"sh", "sleep", "cat", "echo", "id"} {
		app.links["/bin/"+applet] = "busybox"
	}
	if workload != "" {
		// It is mounted. In the image it would be hashed three times and copied for each container, which took
		// an emulated machine longer than the tests: it is a test binary of 40 MB.
		if c.workload, err = filepath.EvalSymlinks(workload); err != nil {
			tb.Fatal(err)
		}
	}
	only := map[string]string{"/sleep": busybox}
	for _, i := range []image{
		app,
		{name: Bare, files: only, argv: []string{"/sleep", "1000000"}},
		{name: pause, files: only, argv: []string{"/sleep", "1000000"}},
	} {
		c.load(i)
	}
	return c
}

// Launch starts the daemon and waits until it answers. A test may launch it again after Kill.
func (c *Containerd) Launch() {
	c.tb.Helper()
	c.cmd = exec.Command("containerd", "-c", filepath.Join(c.dir, "config.toml"))
	c.cmd.Stdout, c.cmd.Stderr = c.log, c.log
	// It ends if the test dies.
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := c.cmd.Start(); err != nil {
		c.tb.Fatal(err)
	}
	conn, err := grpc.NewClient("unix:"+c.Socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		c.tb.Fatal(err)
	}
	c.conn, c.cri = conn, runtime.NewRuntimeServiceClient(conn)
	Wait(c.tb, "containerd answers", func() error {
		ctx, cancel := context.WithTimeout(context.Background(), limit/10)
		defer cancel()
		_, err := c.cri.Status(ctx, &runtime.StatusRequest{})
		return err
	})
}

// Kill ends the daemon. Its containers go on running.
func (c *Containerd) Kill() {
	c.conn.Close()
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait()
}

func (c *Containerd) load(i image) {
	c.tb.Helper()
	archive, err := i.archive()
	if err != nil {
		c.tb.Fatal(err)
	}
	c.Import(i.name, archive)
}

// Import loads an image from an OCI layout in a tar.
func (c *Containerd) Import(name string, archive []byte) {
	c.tb.Helper()
	cmd := exec.Command("ctr", "-a", c.Socket, "-n", "k8s.io", "images", "import", "--snapshotter", "native", "-")
	cmd.Stdin = bytes.NewReader(archive)
	if out, err := cmd.CombinedOutput(); err != nil {
		c.tb.Fatalf("import %s: %v: %s", name, err, out)
	}
	// The CRI plugin knows the image a little later. Until then, it would ask a registry.
	images := runtime.NewImageServiceClient(c.conn)
	Wait(c.tb, "CRI knows "+name, func() error {
		s, err := images.ImageStatus(context.Background(),
			&runtime.ImageStatusRequest{Image: &runtime.ImageSpec{Image: name}})
		if err == nil && s.GetImage() == nil {
			err = errors.New("not yet")
		}
		return err
	})
}

// remove ends the pods and the daemon, and removes their files.
func (c *Containerd) remove() {
	if c.cmd == nil {
		return
	}
	for _, id := range c.pods {
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		_, err := c.cri.StopPodSandbox(ctx, &runtime.StopPodSandboxRequest{PodSandboxId: id})
		if err == nil {
			_, err = c.cri.RemovePodSandbox(ctx, &runtime.RemovePodSandboxRequest{PodSandboxId: id})
		}
		cancel()
		if err != nil {
			c.tb.Errorf("remove pod %.12s: %v", id, err)
		}
	}
	c.Kill()
	if c.tb.Failed() {
		text, _ := os.ReadFile(c.log.Name())
		lines := bytes.Split(text, []byte("\n"))
		c.tb.Logf("end of containerd's log:\n%s", bytes.Join(lines[max(0, len(lines)-20):], []byte("\n")))
	}
	c.log.Close()
	if err := os.RemoveAll(c.dir); err != nil {
		c.tb.Error(err)
	}
}

// Wait polls until f succeeds.
func Wait(tb testing.TB, what string, f func() error) {
	tb.Helper()
	deadline := time.Now().Add(limit)
	for {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			tb.Fatalf("%s: not within %v: %v", what, limit, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
