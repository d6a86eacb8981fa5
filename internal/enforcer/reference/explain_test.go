package reference

import (
	"errors"
	"strings"
	"testing"
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
