package cli

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/internal/cmdline"
	"github.com/lsmprof/lsmprof/internal/text"
)

// docs/serve.md and docs/stores.md have the defaults of the flags.
func TestDocsHaveTheDefaultsOfServe(t *testing.T) {
	onHost(t)
	var o serveOptions
	o.flags(cmdline.NewFlags("serve"))
	c := o.config
	for file, sentences := range map[string][]string{
		"serve": {
			fmt.Sprintf("| `--listen HOST:PORT` | default `%s`.", c.Listen),
			fmt.Sprintf("| `--max-requests` | %d at once;", c.MaxRequests),
			fmt.Sprintf("| `--max-duration` | %d minutes of `seconds` |", c.MaxDuration/time.Minute),
			fmt.Sprintf("`--linger` (%d minutes)", c.Linger/time.Minute),
			fmt.Sprintf("`--max-series` sets of labels (%s)", text.Thousands(uint64(c.MaxSeries))),
		},
		"stores": {fmt.Sprintf("every %d s (`--otlp-interval`)", c.ExportInterval/time.Second)},
	} {
		page, err := os.ReadFile("../../docs/" + file + ".md")
		must(t, err)
		for _, want := range sentences {
			if !strings.Contains(string(page), want) {
				t.Errorf("docs/%s.md lacks %q", file, want)
			}
		}
	}
}
