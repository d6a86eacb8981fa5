package reference

import (
	"errors"
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/enforcer"
)

func TestCapability(t *testing.T) {
	chown, err := ParseCapability("CAP_CHOWN")
	if err != nil {
		t.Fatal(err)
	}
	file := tempFile(t, "f")
	n := confine(t, Policy{Fillers: enforcer.Rules{Cap: maxFillerCaps}, DenyCaps: []Capability{chown}})
	n.bothSides(t, "chown", unix.EPERM, func() error { return os.Chown(file, 1, 1) })
	n.bothSides(t, "read a file of another user", nil, func() error { _, err := os.ReadFile(file); return err })

	n = confine(t, Policy{Fillers: enforcer.Rules{Cap: maxFillerCaps}})
	n.bothSides(t, "chown with fillers only", nil, func() error { return os.Chown(file, 1, 1) })
}

func TestPtrace(t *testing.T) {
	n := confine(t, Policy{DenyPtrace: true})
	fillers := confine(t, Policy{Fillers: enforcer.Rules{Ptrace: 1}})
	sleep := exec.Command("sleep", "1000")
	if err := sleep.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		sleep.Process.Kill()
		sleep.Wait()
	}()
	// PTRACE_SEIZE does not stop the process. PTRACE_DETACH needs it stopped, by PTRACE_INTERRUPT.
	seize := func() error {
		pid := uintptr(sleep.Process.Pid)
		if _, _, err := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_SEIZE, pid, 0, 0, 0, 0); err != 0 {
			return err
		}
		if err := unix.PtraceInterrupt(sleep.Process.Pid); err != nil {
			return err
		}
		var status unix.WaitStatus
		if _, err := unix.Wait4(sleep.Process.Pid, &status, unix.WALL, nil); err != nil {
			return err
		}
		return unix.PtraceDetach(sleep.Process.Pid)
	}
	if err := n.do(seize); !errors.Is(err, unix.EPERM) {
		t.Errorf("inside: %v, want EPERM", err)
	}
	if err := fillers.do(seize); err != nil {
		t.Errorf("with fillers only: %v", err)
	}
	if err := newNamespace(t).do(seize); err != nil {
		t.Errorf("outside: %v", err)
	}
}

func TestParseCapability(t *testing.T) {
	for s, want := range map[string]Capability{
		"CAP_CHOWN":          unix.CAP_CHOWN,
		"cap_net_raw":        unix.CAP_NET_RAW,
		"sys_admin":          unix.CAP_SYS_ADMIN,
		"CAP_BPF":            unix.CAP_BPF,
		"checkpoint_restore": unix.CAP_CHECKPOINT_RESTORE,
		"Cap_Mac_Admin":      unix.CAP_MAC_ADMIN,
		"CAP_SYSLOG":         unix.CAP_SYSLOG,
	} {
		if got, err := ParseCapability(s); err != nil || got != want {
			t.Errorf("ParseCapability(%q) = %d, %v; want %d", s, got, err, want)
		}
	}
	for _, s := range []string{"", "cap_", "CAP_NOPE", "41"} {
		if _, err := ParseCapability(s); err == nil {
			t.Errorf("ParseCapability(%q) is accepted", s)
		}
	}
}
