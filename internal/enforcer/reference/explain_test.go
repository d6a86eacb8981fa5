package reference

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

func TestMissingLSMIsNamedWithTheParameter(t *testing.T) {
	if err := checkLSMs([]string{"capability", "bpf"}); err != nil {
		t.Error(err)
	}
	err := checkLSMs([]string{"lockdown", "capability", "apparmor"})
	if !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), "add lsm=lockdown,capability,apparmor,bpf to the kernel's command line") {
		t.Error(err)
	}
}

func TestExplain(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("what EPERM means depends on who gets it")
	}
	// What cilium/ebpf answers, hint included.
	eperm := fmt.Errorf("program ref_capable: load program: %w (MEMLOCK may be too low, consider rlimit.RemoveMemlock)", unix.EPERM)
	err := explain("load the reference enforcer", eperm)
	if s := err.Error(); !errors.Is(err, ErrUnsupported) || strings.Contains(s, "MEMLOCK") || !strings.Contains(s, "security policy") {
		t.Error(err)
	}
	if err := explain("attach ref_capable", fmt.Errorf("create link: %w", unix.E2BIG)); !strings.Contains(err.Error(), "38") {
		t.Error(err)
	}
	if err := explain("load", fmt.Errorf("no BTF: %w", ebpf.ErrNotSupported)); !errors.Is(err, ErrUnsupported) {
		t.Error(err)
	}
}
