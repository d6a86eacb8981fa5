package cli

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/lsmprof/lsmprof/internal/check"
	"github.com/lsmprof/lsmprof/internal/vmtest"
)

// Before Linux 6.4 no LSM program can be attached on arm64. The answer must say so first, and not only what fails
// because of it.
func TestCheckOnArm64(t *testing.T) {
	release := vmtest.Guest(t)
	f := check.Gather(t.Context())
	if f.Arch != "arm64" {
		t.Skip("needs an arm64 guest: vm -kernel 6.1-arm64")
	}
	var out bytes.Buffer
	err := printCheck(streams{out: &out}, false, &f)
	t.Logf("%s", &out)
	if release.AtLeast(6, 4) {
		if err != nil {
			t.Error(err)
		}
		return
	}
	var exit exitError
	if !errors.As(err, &exit) || exit.code != exitUnsupported {
		t.Errorf("exit code %v, want %d", err, exitUnsupported)
	}
	text := out.String()
	for _, want := range []string{
		"no: this node cannot be profiled: kernel", "before Linux 6.4, which brought ftrace direct calls",
		"-> boot Linux 6.4 or later",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "report it") {
		t.Errorf("a known limit is taken for a defect:\n%s", text)
	}
}
