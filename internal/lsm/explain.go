package lsm

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// ErrUnsupported is wrapped by errors that no privilege and no other arguments would avoid on this machine.
var ErrUnsupported = errors.New("not supported on this machine")

const btfFile = "/sys/kernel/btf/vmlinux"

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// ExplainLoad adds to the error of a refused load or attach what can be done about it. It replaces the guess of
// cilium/ebpf, which suggests RLIMIT_MEMLOCK for every EPERM: lsmprof has raised that limit.
func ExplainLoad(err error) error {
	var verifier *ebpf.VerifierError
	switch {
	case errors.As(err, &verifier) && len(verifier.Log) > 0:
		return fmt.Errorf("the kernel's verifier refuses the program: %w", err)
	case errors.Is(err, unix.EMFILE):
		return fmt.Errorf("%w: raise the limit of open files, ulimit -n", unix.EMFILE)
	case errors.Is(err, unix.E2BIG) && os.Geteuid() == 0:
		return fmt.Errorf("%w: the function has all trampoline programs that this kernel allows (about %d). "+
			"Stop another enforcer or tracer", unix.E2BIG, TrampolineLimit)
	case errors.Is(err, unix.EBUSY):
		// As evm_inode_post_remove_acl on Linux 7.2, which jumps on to another function.
		return fmt.Errorf("%w: this kernel compiled the function without a place for probes, or another tool "+
			"has patched it", unix.EBUSY)
	case errors.Is(err, fs.ErrPermission) && os.Geteuid() != 0:
		return fmt.Errorf("%w. Run as root, or with CAP_SYS_ADMIN", fs.ErrPermission)
	case errors.Is(err, fs.ErrPermission):
		// The caller is root and the verifier did not object: it is the kernel's own policy.
		return fmt.Errorf("%w: the kernel or a security policy forbids trampoline-based BPF programs: %w",
			fs.ErrPermission, ErrUnsupported)
	case errors.Is(err, ebpf.ErrNotSupported) && !exists(btfFile):
		return fmt.Errorf("the kernel has no BTF: %s is missing, which takes CONFIG_DEBUG_INFO_BTF: %w",
			btfFile,
			ErrUnsupported)
	case errors.Is(err, ebpf.ErrNotSupported):
		return fmt.Errorf("%w: the kernel needs CONFIG_BPF_LSM and CONFIG_DEBUG_INFO_BTF: %w",
			err, ErrUnsupported)
	}
	return err
}
