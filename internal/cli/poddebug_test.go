package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/internal/cri"
	"github.com/lsmprof/lsmprof/internal/cri/critest"
)

func copyBusybox(t *testing.T, to string) {
	t.Helper()
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("cp", busybox, to).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// The commands of docs/kubernetes.md in a pod as `kubectl debug node/NODE --profile=sysadmin` makes it.
func (p *confinedPods) debugNode(t *testing.T) {
	// Where lsmprof looks for the runtime of a node.
	const socket = "/run/containerd/containerd.sock"
	must(t, os.MkdirAll(filepath.Dir(socket), 0o755))
	must(t, os.Symlink(p.c.Socket, socket))
	t.Cleanup(func() { os.Remove(socket) })
	pod := p.c.NodeDebugPod("default", "node-debugger-node-7", lsmprofEnv+"=1")
	id := pod.Containers["debugger"]
	if err := p.r.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	// kubectl cp is tar in the container.
	binary, _ := staticLsmprof(t)
	critest.Wait(t, "lsmprof is copied", func() error {
		tar := exec.CommandContext(t.Context(), "busybox", "tar", "cf", "-", "-C", filepath.Dir(binary),
			filepath.Base(binary))
		archive, err := tar.StdoutPipe()
		if err == nil {
			err = tar.Start()
		}
		if err != nil {
			return err
		}
		// A busy runtime may not answer in time.
		unpack := []string{"/bin/busybox", "tar", "xmf", "-", "-C", "/host/root"}
		status, err := p.r.Exec(t.Context(), id, unpack,
			cri.Streams{Stdin: archive, Stdout: io.Discard, Stderr: io.Discard})
		archive.Close() // or tar would write for ever
		if err = errors.Join(err, tar.Wait()); err == nil && status != 0 {
			err = fmt.Errorf("status %d", status)
		}
		return err
	})
	copied := "/root/" + filepath.Base(binary)
	t.Cleanup(func() { os.Remove(copied) })
	for _, test := range []struct{ args, want string }{
		{"check", "can be profiled"},
		{"record -d 2s --pod shop/* -o /root/node.pb.gz --calibration=off " + probeRenames, "shop/web-3/nginx"},
	} {
		var out cri.Output
		whileRenaming(p.nginx, func() {
			argv := append([]string{"/bin/busybox", "chroot", "/host", copied},
				strings.Fields(test.args)...)
			var err error
			if out, err = p.r.Run(t.Context(), id, argv, 5*time.Minute); err != nil {
				t.Error(err)
			}
		})
		if out.Status != exitOK || !strings.Contains(string(out.Stdout)+string(out.Stderr), test.want) {
			t.Errorf("%s: status %d, want %q in\n%s%s", test.args, out.Status, test.want, out.Stdout,
				out.Stderr)
		}
	}
	out, err := p.r.Run(t.Context(), id, []string{"/bin/cat", "/host/root/node.pb.gz"}, time.Minute)
	if err != nil || len(out.Stdout) == 0 {
		t.Errorf("the profile: %d bytes, %v %s", len(out.Stdout), err, out.Stderr)
	}
}
