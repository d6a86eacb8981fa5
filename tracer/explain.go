package tracer

import (
	"errors"
	"fmt"
	"os"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// explainLoad says what can be done about a refused load or attach. cilium/ebpf suggests MEMLOCK for every EPERM; as full root
// with an empty verifier log it is the kernel's own policy.
func explainLoad(err error) error {
	var verifier *ebpf.VerifierError
	switch {
	case errors.As(err, &verifier) && len(verifier.Log) > 0:
		return err
	case errors.Is(err, unix.E2BIG) && os.Geteuid() == 0:
		return fmt.Errorf("%w: the function already has as many trampoline programs as this kernel lets it take (about 38): stop another tracer", unix.E2BIG)
	case !errors.Is(err, os.ErrPermission):
		return err
	case os.Geteuid() != 0:
		return fmt.Errorf("%w; run as root, or with CAP_BPF and CAP_PERFMON", os.ErrPermission)
	}
	return fmt.Errorf("%w: the kernel or a security policy on this machine forbids trampoline-based BPF programs; "+
		"`lsmprof check` says more: %w", os.ErrPermission, ErrUnsupported)
}
