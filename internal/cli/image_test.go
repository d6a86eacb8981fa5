package cli

import (
	"bytes"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/lsmprof/lsmprof/deploy"
	"github.com/lsmprof/lsmprof/internal/cri/critest"
	"github.com/lsmprof/lsmprof/internal/ociimage"
)

// imageEnv names the file that `make image` wrote; unset: the test makes an image like it of its own binary.
const imageEnv = "LSMPROF_TEST_IMAGE"

const imageName = "localhost/lsmprof:test"

// importImage loads the image of lsmprof into the runtime, and returns its name.
func importImage(t *testing.T, c *critest.Containerd) string {
	t.Helper()
	if file := os.Getenv(imageEnv); file != "" {
		archive, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		c.Import(imageName, archive)
		return imageName
	}
	binary, env := staticLsmprof(t)
	image, err := ociimage.Lsmprof(imageName, "test", time.Time{}, binary)
	if err != nil {
		t.Fatal(err)
	}
	image.Platforms[0].Env = env
	var archive bytes.Buffer
	if err := image.Write(&archive); err != nil {
		t.Fatal(err)
	}
	c.Import(imageName, archive.Bytes())
	return imageName
}

// staticLsmprof returns a binary that needs no libraries, and the environment in which it is lsmprof: this one in
// guests, or one that it builds, because the race detector needs libraries.
func staticLsmprof(t *testing.T) (binary string, env []string) {
	t.Helper()
	self, err := os.Readlink("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	program, err := elf.Open(self)
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	if !slices.ContainsFunc(program.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }) {
		return self, []string{lsmprofEnv + "=1"}
	}
	binary = filepath.Join(t.TempDir(), "lsmprof")
	build := exec.Command("go", "build", "-o", binary, "../../cmd/lsmprof")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v: %s", err, out)
	}
	return binary, nil
}

// underSeccomp puts a container under lsmprof's own seccomp profile.
func underSeccomp(t *testing.T, config *runtime.ContainerConfig) {
	t.Helper()
	text, err := deploy.Files.ReadFile("security/lsmprof.seccomp.json")
	if err != nil {
		t.Fatal(err)
	}
	calls := filepath.Join(t.TempDir(), "lsmprof.json")
	if err := os.WriteFile(calls, text, 0o600); err != nil {
		t.Fatal(err)
	}
	config.Linux.SecurityContext.Seccomp = &runtime.SecurityProfile{
		ProfileType: runtime.SecurityProfile_Localhost, LocalhostRef: calls,
	}
}

// A real containerd loads the image and starts it, under lsmprof's seccomp profile and with nothing but a writable
// /tmp: what needs no BPF works there, on any machine.
func TestContainerdStartsTheImage(t *testing.T) {
	if err := critest.Available(); err != nil {
		t.Skip(err)
	}
	c := critest.Start(t, "")
	image := importImage(t, c)
	profile := filepath.Join(t.TempDir(), "a.pb.gz")
	writeProfile(t, profile, 10)
	for name, test := range map[string]struct{ args, want string }{
		"version": {"version", "lsmprof"},
		"report":  {"report /in/a.pb.gz --format=html,text,json --output=/tmp", "wrote /tmp/a.html"},
		"bench": {
			"bench --enforcer=none --same=2 --tests=pipe --runs=1 --slice=5ms --output=/tmp/run",
			"/tmp/run",
		},
		"a shell": {"record --output=/tmp/b.pb.gz -- /bin/sh", "run /bin/sh: stat /bin/sh: no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			config := daemonContainer(t, map[string]string{"token": t.TempDir(), "runtime": t.TempDir()})
			config.Image, config.Command, config.Envs = &runtime.ImageSpec{Image: image}, nil,
				config.Envs[1:]
			config.Args = strings.Fields(test.args)
			config.Mounts = []*runtime.Mount{
				{ContainerPath: "/tmp", HostPath: t.TempDir()},
				{ContainerPath: "/in", HostPath: filepath.Dir(profile), Readonly: true},
			}
			// What bench needs; this machine may lack what the DaemonSet has.
			config.Linux.SecurityContext.Capabilities.AddCapabilities = []string{"SYS_ADMIN", "SYS_CHROOT"}
			underSeccomp(t, config)
			pod := c.Pod("lsmprof", strings.ReplaceAll(name, " ", "-"), nil, "")
			config.Linux.SecurityContext.NamespaceOptions.Pid = runtime.NamespaceMode_CONTAINER
			status := pod.Run(config).Wait("lsmprof")
			if log := pod.Log("lsmprof"); (status == exitOK) != (name != "a shell") ||
				!strings.Contains(log, test.want) {
				t.Errorf("status %d, want %q in\n%s", status, test.want, log)
			}
			pod.Stop()
		})
	}
}
