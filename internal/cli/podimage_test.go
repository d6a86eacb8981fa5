package cli

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/lsmprof/lsmprof/deploy"
	"github.com/lsmprof/lsmprof/internal/cri"
	"github.com/lsmprof/lsmprof/internal/cri/critest"
	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/enforcer/reference"
	"github.com/lsmprof/lsmprof/internal/vmtest"
)

// probeRenames is what these tests measure: probes on few calls, which attach fast.
const probeRenames = "--program=ref_path_rename"

// confinedPods are pods in a machine with AppArmor, whose renames the tests measure.
type confinedPods struct {
	c     *critest.Containerd
	r     *cri.Runtime
	image string
	// nginx is confined by no profile of AppArmor, postgres by the runtime's own.
	nginx, postgres *podWorkload
	enforcer        *reference.Enforcer
}

// TestContainerdAppArmor runs lsmprof's image in a real containerd on a machine with AppArmor.
func TestContainerdAppArmor(t *testing.T) {
	vmtest.Guest(t)
	if err := critest.Available(); err != nil {
		t.Skip(err)
	}
	if on, _ := os.ReadFile("/sys/module/apparmor/parameters/enabled"); string(on) != "Y\n" {
		t.Skip("this guest has no AppArmor; `make test-pods` boots one that has")
	}
	prepareParser(t)
	c := critest.StartConfining(t, "/proc/self/exe", workloadEnv+"=1")
	p := &confinedPods{c: c, r: cri.New(c.Socket), image: importImage(t, c)}
	t.Cleanup(p.r.Close)
	p.nginx = p.workload(t, "web-3", "nginx", &runtime.SecurityProfile{
		ProfileType: runtime.SecurityProfile_Unconfined,
	})
	p.postgres = p.workload(t, "db-3", "postgres", nil)
	rules := enforcer.Rules{File: 8}
	p.enforcer = startReference(t, map[uint32]enforcer.Rules{p.nginx.mntns: rules, p.postgres.mntns: rules})
	t.Run("names under AppArmor", p.namesUnderAppArmor)
	t.Run("kubectl debug node", p.debugNode)
	t.Run("commands under lsmprof's own profiles", p.commandsUnderProfiles)
	p.nginx.stop()
	p.postgres.stop()
}

// prepareParser puts the parser where containerd looks for it. containerd takes the first line that the parser prints
// for its version, so there must be no warning before it.
func prepareParser(t *testing.T) {
	t.Helper()
	parser, err := exec.LookPath("apparmor_parser")
	if err == nil {
		err = os.Symlink(parser, "/sbin/apparmor_parser")
	}
	if err != nil && !errors.Is(err, os.ErrExist) {
		t.Fatal(err)
	}
	if err := errors.Join(os.MkdirAll("/etc/apparmor", 0o755),
		os.WriteFile("/etc/apparmor/parser.conf", nil, 0o644)); err != nil {
		t.Fatal(err)
	}
}

// workload starts a workload in a pod of its own.
func (p *confinedPods) workload(t *testing.T, pod, name string, profile *runtime.SecurityProfile) *podWorkload {
	t.Helper()
	started := p.c.Pod("shop", pod, nil, "").Run(&runtime.ContainerConfig{
		Metadata: &runtime.ContainerMetadata{Name: name},
		Image:    &runtime.ImageSpec{Image: critest.App},
		Linux: &runtime.LinuxContainerConfig{SecurityContext: &runtime.LinuxContainerSecurityContext{
			NamespaceOptions: &runtime.NamespaceOption{Network: runtime.NamespaceMode_NODE},
			Apparmor:         profile,
		}},
	})
	return startInContainer(t, p.r, started.Containers[name])
}

// underProfiles puts a container under lsmprof's own profiles, which it loads as an administrator of the node does.
func underProfiles(t *testing.T, config *runtime.ContainerConfig) {
	t.Helper()
	underSeccomp(t, config)
	profile, err := deploy.Files.ReadFile("security/lsmprof.apparmor")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "lsmprof")
	if err := os.WriteFile(file, profile, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("apparmor_parser", "--replace", "--skip-cache", file).CombinedOutput(); err != nil {
		t.Fatalf("apparmor_parser: %v\n%s", err, out)
	}
	config.Linux.SecurityContext.Apparmor = &runtime.SecurityProfile{
		ProfileType: runtime.SecurityProfile_Localhost, LocalhostRef: "lsmprof",
	}
}

// denials returns the messages of the kernel about what the profile forbade, without those about a shell.
func denials(t *testing.T, shell string) (all []string) {
	t.Helper()
	fd, err := unix.Open("/dev/kmsg", unix.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	buf := make([]byte, 16<<10)
	for {
		n, err := unix.Read(fd, buf)
		if errors.Is(err, unix.EPIPE) {
			continue // overwritten meanwhile
		}
		if err != nil || n <= 0 {
			return slices.Compact(all)
		}
		line := string(buf[:n])
		if strings.Contains(line, `profile="lsmprof"`) && strings.Contains(line, "DENIED") &&
			!strings.Contains(line, `name="`+shell+`"`) {
			all = append(all, strings.TrimSpace(line))
		}
	}
}

// Every command works in the DaemonSet's container under lsmprof's profiles, with the capability that tests of `bench`
// and commands of `record` need. No program can be started but lsmprof.
func (p *confinedPods) commandsUnderProfiles(t *testing.T) {
	secret, tools := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(secret, "token"), []byte("sesame"), 0o600); err != nil {
		t.Fatal(err)
	}
	const shell = "/tools/sh"
	copyBusybox(t, filepath.Join(tools, "sh"))
	config := daemonContainer(t, map[string]string{"token": secret, "runtime": filepath.Dir(p.c.Socket)})
	config.Image, config.Command, config.Envs = &runtime.ImageSpec{Image: p.image}, nil, config.Envs[1:]
	config.Args = append(config.Args, probeRenames)
	config.Mounts = append(config.Mounts,
		&runtime.Mount{ContainerPath: "/tmp", HostPath: t.TempDir()},
		&runtime.Mount{ContainerPath: "/tools", HostPath: tools, Readonly: true})
	privileges := config.Linux.SecurityContext
	privileges.Capabilities.AddCapabilities = append(privileges.Capabilities.AddCapabilities, "SYS_CHROOT")
	underProfiles(t, config)
	pod := p.c.HostPIDPod("lsmprof", "lsmprof-1")
	pod.Run(config)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(pod.Log("lsmprof"))
		}
	})
	s := &liveServe{t: t, url: "http://127.0.0.1:6061", token: "sesame"}
	critest.Wait(t, "lsmprof is ready", func() error {
		_, err := s.get(t.Context(), "/readyz")
		return err
	})
	s.metrics("lsmprof_build_info")
	if err := p.r.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	id := pod.Containers["lsmprof"]
	run := func(argv ...string) cri.Output {
		t.Helper()
		out, err := p.r.Run(t.Context(), id, argv, 5*time.Minute)
		if err != nil {
			t.Error(err)
		}
		return out
	}
	works := func(args, want string) {
		t.Helper()
		out := run(append([]string{"/lsmprof"}, strings.Fields(args)...)...)
		if out.Status != exitOK || !strings.Contains(string(out.Stdout)+string(out.Stderr), want) {
			t.Errorf("lsmprof %s: status %d, want %q in\n%s%s", args, out.Status, want, out.Stdout,
				out.Stderr)
		}
	}
	for _, test := range []struct{ args, want string }{
		{"version", "lsmprof"},
		{"check", "can be profiled"},
		{"list --runtime-endpoint=unix:///run/containerd/containerd.sock", "shop/web-3/nginx"},
		{"record --duration=2s --output=/tmp/a.pb.gz --calibration=off " + probeRenames, "shop/web-3/nginx"},
		{
			"record --duration=2s --output=/tmp/l.pb.gz --each-rule --calibration=off " + probeRenames,
			"path_rename",
		},
		{"trace --duration=1s --calibration=off " + probeRenames, "path_rename"},
		{"top --iterations=2 --interval=500ms --calibration=off " + probeRenames, "shop/web-3/nginx"},
		{"report /tmp/a.pb.gz --format=html,text,json", "wrote /tmp/a.html"},
		{"completion bash", "complete"},
		{"record --output=/tmp/c.pb.gz --calibration=off " + probeRenames + " -- /lsmprof version", "lsmprof"},
	} {
		whileRenaming(p.nginx, func() { works(test.args, test.want) })
	}
	if got := p.confinement(t, id); got != "lsmprof (enforce)" {
		t.Errorf("the container is under the profile %q", got)
	}
	const starts = "record --output=/tmp/b.pb.gz --calibration=off " + probeRenames + " -- " + shell + " -c :"
	if out := run(append([]string{"/lsmprof"}, strings.Fields(starts)...)...); out.Status == exitOK ||
		!strings.Contains(string(out.Stderr), "permission denied") {
		t.Errorf("a shell: status %d: %s", out.Status, out.Stderr)
	}
	// What `kubectl exec` starts, the runtime starts. It can start nothing itself.
	if out := run(shell, "-c", "echo started; "+shell+" -c 'echo another'"); !strings.Contains(string(out.Stdout),
		"started") || strings.Contains(string(out.Stdout), "another") {
		t.Errorf("a shell by exec: status %d: %s%s", out.Status, out.Stdout, out.Stderr)
	}
	// Without the AppArmor profile, the same command starts the shell: it is the profile that forbids it.
	free := daemonContainer(t, map[string]string{"token": secret, "runtime": filepath.Dir(p.c.Socket)})
	free.Image, free.Command, free.Envs, free.Args = config.Image, nil, config.Envs, strings.Fields(starts)
	free.Mounts = config.Mounts
	free.Linux.SecurityContext.Capabilities.AddCapabilities = privileges.Capabilities.AddCapabilities
	free.Linux.SecurityContext.Apparmor = &runtime.SecurityProfile{ProfileType: runtime.SecurityProfile_Unconfined}
	open := p.c.HostPIDPod("lsmprof", "lsmprof-2")
	if got := open.Run(free).Wait("lsmprof"); got != exitOK {
		t.Errorf("a shell without the profile: status %d: %s", got, open.Log("lsmprof"))
	}

	// These attach enforcers themselves, and refuse to beside another one.
	if err := p.enforcer.Detach(); err != nil {
		t.Fatal(err)
	}
	works("bench --dry-run --enforcer=none --same=2 --tests=pipe", "pipe")
	works("bench --enforcer=none --same=2 --tests=pipe --runs=1 --slice=5ms --output=/tmp/run", "/tmp/run")
	works("bench --rules=8 --tests=openclose --runs=1 --slice=5ms --output=/tmp/rules", "/tmp/rules")
	works("forecast --help", "Usage")
	enforce := []string{"/lsmprof", "enforce", "--rules=8", "--mntns", fmt.Sprint(p.nginx.mntns)}
	var running sync.WaitGroup
	running.Go(func() { _, _ = p.r.Run(t.Context(), id, enforce, 5*time.Minute) }) // until the pod stops
	critest.Wait(t, "the enforcer has rules for nginx", func() error {
		out := run("/lsmprof", "list", "--runtime-endpoint=unix:///run/containerd/containerd.sock")
		if !strings.Contains(string(out.Stdout), "reference") {
			return fmt.Errorf("status %d: %s%s", out.Status, out.Stdout, out.Stderr)
		}
		return nil
	})
	if all := denials(t, shell); len(all) > 0 {
		t.Errorf("denied, besides the shell:\n%s", strings.Join(all, "\n"))
	}
	pod.Stop()
	running.Wait()
}

// confinement returns the AppArmor profile of a container's first process.
func (p *confinedPods) confinement(t *testing.T, id string) string {
	t.Helper()
	for _, c := range p.r.Containers() {
		if c.ID != id {
			continue
		}
		found, err := filepath.Glob("/proc/[0-9]*/ns/mnt")
		if err != nil {
			t.Fatal(err)
		}
		for _, link := range found {
			var stat unix.Stat_t
			if unix.Stat(link, &stat) != nil || uint32(stat.Ino) != c.MntNS {
				continue // it ended, or is another's
			}
			text, _ := os.ReadFile(filepath.Join(filepath.Dir(filepath.Dir(link)), "attr/current"))
			return strings.TrimSpace(string(text))
		}
	}
	return ""
}

// What the docs say about AppArmor and names: under the runtime's own profile lsmprof counts without names, and says
// so; unconfined, it has the names of all containers.
func (p *confinedPods) namesUnderAppArmor(t *testing.T) {
	for name, test := range map[string]struct {
		profile *runtime.SecurityProfile
		named   bool
	}{
		"runtime":    {nil, false},
		"unconfined": {&runtime.SecurityProfile{ProfileType: runtime.SecurityProfile_Unconfined}, true},
	} {
		config := jobContainer(t, p.c, p.image)
		config.Linux.SecurityContext.Apparmor = test.profile
		pod := p.c.HostPIDPod("lsmprof", "record-"+name)
		status := 0
		whileRenaming(p.nginx, func() {
			whileRenaming(p.postgres, func() { status = pod.Run(config).Wait("lsmprof") })
		})
		log := pod.Log("lsmprof")
		rows := regexp.MustCompile(`(shop/(web-3/nginx|db-3/postgres)|workload#\d+) +renameat +path_rename +8 `)
		named := strings.Contains(log, "shop/web-3/nginx  ") && strings.Contains(log, "shop/db-3/postgres  ")
		hidden := strings.Contains(log, "cannot be read: permission denied, by AppArmor")
		if status != exitOK || len(rows.FindAllString(log, -1)) != 2 || named != test.named || hidden == named {
			t.Errorf("%s: status %d, names: %v, want %v; a warning: %v\n%s", name, status, named,
				test.named, hidden,
				log)
		}
	}
}
