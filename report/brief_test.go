package report

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/lsmprof/lsmprof/internal/golden"
	"github.com/lsmprof/lsmprof/internal/text"
)

// What bench prints on a terminal fits on a screen: no line is wider, and the answer does not scroll away.
func TestBrief(t *testing.T) {
	for _, width := range []int{80, 120} {
		var b bytes.Buffer
		if err := sample(t).WriteBrief(&b, width); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(b.String()), "\n")
		for _, line := range lines {
			if text.Width(line) > width {
				t.Errorf("%d columns: %q is wider", width, line)
			}
		}
		if len(lines) > 36 {
			t.Errorf("%d columns: %d lines", width, len(lines))
		}
		golden.Equal(t, fmt.Sprintf("brief_%d.txt", width), b.Bytes())
	}
}
