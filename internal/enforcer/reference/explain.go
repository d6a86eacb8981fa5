package reference

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/internal/lsm"
)

// ErrUnsupported is wrapped by errors that no privilege and no other policy would avoid on this machine.
var ErrUnsupported = lsm.ErrUnsupported

// checkLSMs fails if BPF is not among the active LSMs: programs would load and attach, but never run.
func checkLSMs(active []string) error {
	if slices.Contains(active, "bpf") {
		return nil
	}
	return fmt.Errorf("BPF is not among the active LSMs (%s): %w. Add %s to the kernel's command line and reboot",
		strings.Join(active, ","), ErrUnsupported, kernel.BootLSM(active))
}
