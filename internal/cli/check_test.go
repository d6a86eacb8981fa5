package cli

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/lsmprof/lsmprof/internal/check"
)

func TestCheckExits3UnlessTheAnswerIsYes(t *testing.T) {
	for _, asJSON := range []bool{false, true} {
		var out bytes.Buffer
		err := printCheck(streams{out: &out}, asJSON, &check.Facts{Arch: "amd64", Release: "5.4.0"})
		var exit exitError
		if !errors.As(err, &exit) || exit.code != exitUnsupported || !strings.Contains(out.String(), "kernel") {
			t.Errorf("%v: %s", err, &out)
		}
	}
}
