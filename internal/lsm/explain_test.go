package lsm

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

func TestExplainLoad(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("EPERM has another reason for users without privileges")
	}
	for name, c := range map[string]struct {
		err         error
		text        string
		unsupported bool
	}{
		// As cilium/ebpf words it, hint included.
		"policy": {
			fmt.Errorf("load program: %w (MEMLOCK may be too low, consider rlimit.RemoveMemlock)",
				unix.EPERM),
			"security policy", true,
		},
		"full":   {fmt.Errorf("create link: %w", unix.E2BIG), "(about 38)", false},
		"busy":   {fmt.Errorf("create raw tracepoint: %w", unix.EBUSY), "without a place for probes", false},
		"no BTF": {fmt.Errorf("no BTF: %w", ebpf.ErrNotSupported), "CONFIG_DEBUG_INFO_BTF", true},
		"other":  {unix.ENOMEM, "cannot allocate memory", false},
	} {
		got := ExplainLoad(c.err)
		if !strings.Contains(got.Error(), c.text) || errors.Is(got, ErrUnsupported) != c.unsupported {
			t.Errorf("%s: %v; want %q, unsupported %v", name, got, c.text, c.unsupported)
		}
		if strings.Contains(got.Error(), "MEMLOCK") {
			t.Errorf("%s: %v", name, got)
		}
	}
}
