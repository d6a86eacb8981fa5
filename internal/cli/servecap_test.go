package cli

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	pprof "github.com/google/pprof/profile"
	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/deploy"
	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/vmtest"
)

// boundEnv makes the test binary run lsmprof as a container runtime does: as root, with no capabilities but those in
// the variable, and without new privileges.
const boundEnv = "LSMPROF_TEST_CAPABILITIES"

var capabilityNumbers = map[string]uintptr{
	"SYS_ADMIN": unix.CAP_SYS_ADMIN, "SYS_PTRACE": unix.CAP_SYS_PTRACE, "SYS_RESOURCE": unix.CAP_SYS_RESOURCE,
	"BPF": unix.CAP_BPF, "PERFMON": unix.CAP_PERFMON,
}

// execBound returns only if it fails. At execve root gets what is left in its bounding set.
func execBound(names string) error {
	var keep []uintptr
	for _, name := range strings.Split(names, ",") {
		n, ok := capabilityNumbers[name]
		if !ok {
			return fmt.Errorf("capability %q is not in the table of the test", name)
		}
		keep = append(keep, n)
	}
	// The default of Linux: the enforcer of this test has raised it.
	limit := unix.Rlimit{Cur: 64 << 10, Max: 64 << 10}
	if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &limit); err != nil {
		return err
	}
	for c := range uintptr(unix.CAP_LAST_CAP + 1) {
		if slices.Contains(keep, c) {
			continue
		}
		// EINVAL: the capability is newer than the kernel.
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err != nil && err != unix.EINVAL {
			return fmt.Errorf("drop capability %d: %w", c, err)
		}
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	os.Unsetenv(boundEnv)
	os.Setenv(lsmprofEnv, "1")
	return unix.Exec("/proc/self/exe", os.Args, os.Environ())
}

// bound makes a command of lsmprof run with these capabilities only.
func bound(cmd *exec.Cmd, capabilities ...string) *exec.Cmd {
	cmd.Env = append(os.Environ(), boundEnv+"="+strings.Join(capabilities, ","))
	return cmd
}

// startOthers starts a process of another user in its own mount namespace. The process is called ash, and what it
// runs has other names.
func startOthers(t *testing.T) (mntns uint32, open func()) {
	t.Helper()
	cmd := exec.Command("ash", "-c", "sh; true")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNS,
		Credential: &syscall.Credential{Uid: 1000, Gid: 1000},
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		cmd.Wait()
	})
	lines := bufio.NewScanner(out)
	open = func() {
		t.Helper()
		fmt.Fprintln(in, "/bin/busybox wc -c /etc/hosts")
		if !lines.Scan() {
			t.Fatal("the shell has ended")
		}
	}
	open() // after this the inner shell runs under its own name
	return mntnsOf(t, cmd.Process.Pid), open
}

// The capabilities of the DaemonSet suffice, and each of them is needed.
func TestServeCapabilities(t *testing.T) {
	release := vmtest.Guest(t)
	if release.AtLeast(5, 11) { // before, BPF maps count against RLIMIT_MEMLOCK: a case of its own
		vmtest.OnOneKernel(t)
	}
	pod, err := deploy.Pod()
	if err != nil {
		t.Fatal(err)
	}
	all := pod.Containers[0].SecurityContext.Capabilities.Add
	if want := []string{"SYS_ADMIN", "SYS_PTRACE", "SYS_RESOURCE"}; !slices.Equal(all, want) {
		t.Fatalf("the DaemonSet has %v; this test knows what fails without each of %v", all, want)
	}
	without := func(name string) []string {
		return slices.DeleteFunc(slices.Clone(all), func(c string) bool { return c == name })
	}
	mntns, open := startOthers(t)
	startReference(t, map[uint32]enforcer.Rules{mntns: {File: 2}})

	// measured returns the names of the workloads that the shell's commands are charged to.
	measured := func(t *testing.T, capabilities []string) (workloads []string) {
		ready := filepath.Join(t.TempDir(), "ready")
		s := &liveServe{
			t: t,
			cmd: bound(lsmprof("serve", "--listen", "127.0.0.1:0", "--ready-file", ready, "--calibrate=off",
				"--linger=0", "--program=*_file_open", "--mntns", fmt.Sprint(mntns)), capabilities...),
		}
		s.start(ready)
		a := s.ask("60")
		s.measuring(1)
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
		if err != nil {
			t.Fatal(err)
		}
		for _, set := range []string{"CapPrm", "CapEff", "CapBnd"} {
			want := fmt.Sprintf("%s:\t%016x\n", set, mask(capabilities))
			if !strings.Contains(string(status), want) {
				t.Errorf("want %q in %s", want, status)
			}
		}
		open()
		s.cmd.Process.Signal(unix.SIGTERM)
		if err := <-a.got; err != nil {
			t.Fatal(err)
		}
		return workloadsOf(a.p)
	}
	// refused returns the error of lsmprof without enough capabilities.
	refused := func(t *testing.T, capabilities []string) string {
		_, stderr := run(t, bound(lsmprof("record", "--output=-", "--duration=1ms"), capabilities...))
		return stderr
	}

	t.Run("all", func(t *testing.T) {
		if got := measured(t, all); !slices.Equal(got, []string{"ash"}) {
			t.Errorf("workloads %q, want the process that leads the namespace", got)
		}
		_, stderr := run(t, bound(lsmprof("record", "--output=-", "--duration=1ms"), all...))
		if strings.Contains(stderr, "lsmprof:") {
			t.Errorf("with calibration: %s", stderr)
		}
	})
	t.Run("without SYS_ADMIN", func(t *testing.T) {
		for _, c := range [][]string{without("SYS_ADMIN"), append(without("SYS_ADMIN"), "BPF", "PERFMON")} {
			if got := refused(t, c); !strings.Contains(got, "CAP_SYS_ADMIN") ||
				!strings.Contains(got, "list BPF") {
				t.Errorf("%v: %s", c, got)
			}
		}
	})
	t.Run("without SYS_PTRACE", func(t *testing.T) {
		if got := measured(t, without("SYS_PTRACE")); !slices.Equal(got, []string{"sh"}) &&
			!slices.Equal(got, []string{"busybox"}) {
			t.Errorf("workloads %q, want the command that the probe saw", got)
		}
	})
	t.Run("without SYS_RESOURCE", func(t *testing.T) {
		if release.AtLeast(5, 11) {
			if got := measured(t, without("SYS_RESOURCE")); !slices.Equal(got, []string{"ash"}) {
				t.Errorf("workloads %q", got)
			}
			return
		}
		if got := refused(t, without("SYS_RESOURCE")); !strings.Contains(strings.ToLower(got), "memlock") {
			t.Error(got)
		}
	})
}

func mask(capabilities []string) (m uint64) {
	for _, c := range capabilities {
		m |= 1 << capabilityNumbers[c]
	}
	return m
}

func workloadsOf(p *pprof.Profile) (names []string) {
	for _, s := range p.Sample {
		if name := s.Label["workload"][0]; !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
