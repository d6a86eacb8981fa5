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
	const want = "Add lsm=lockdown,capability,apparmor,bpf to the kernel's command line"
	if !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want ErrUnsupported with %q", err, want)
	}
}
