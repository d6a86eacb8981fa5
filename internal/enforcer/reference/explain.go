package reference

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/kernel"
)

// ErrUnsupported means that this machine cannot run the reference enforcer as it is.
var ErrUnsupported = errors.New("not possible on this machine")

// checkLSMs fails where BPF is not among the active LSMs: programs would load and attach there, and never run.
func checkLSMs(active []string) error {
	if slices.Contains(active, "bpf") {
		return nil
	}
	return fmt.Errorf("BPF is not among the active LSMs (%s): %w; add %s to the kernel's command line and reboot",
		strings.Join(active, ","), ErrUnsupported, kernel.BootLSM(active))
}

// explain says what can be done about a refused load or attach. cilium/ebpf suggests MEMLOCK for every EPERM; as full root with
// an empty verifier log it is the kernel's own policy.
func explain(doing string, err error) error {
	var verifier *ebpf.VerifierError
	switch {
	case errors.As(err, &verifier) && len(verifier.Log) > 0:
		return fmt.Errorf("%s: the verifier of this kernel refuses it: %w", doing, err)
	case errors.Is(err, fs.ErrPermission) && os.Geteuid() != 0:
		return fmt.Errorf("%s: %w; run as root, or with CAP_BPF, CAP_PERFMON and CAP_MAC_ADMIN", doing, fs.ErrPermission)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s: %w: the kernel or a security policy on this machine forbids trampoline-based BPF programs "+
			"(%w); `lsmprof check` says more", doing, fs.ErrPermission, ErrUnsupported)
	case errors.Is(err, ebpf.ErrNotSupported):
		return fmt.Errorf("%s: %w: the kernel needs CONFIG_BPF_LSM and CONFIG_DEBUG_INFO_BTF (%w)", doing, err, ErrUnsupported)
	case errors.Is(err, unix.E2BIG) && strings.HasPrefix(doing, "attach"):
		return fmt.Errorf("%s: %w: the hook has all 38 programs that it can take: stop another enforcer or tracer", doing, unix.E2BIG)
	}
	return fmt.Errorf("%s: %w", doing, err)
}
