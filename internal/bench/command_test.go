package bench

import (
	"strings"
	"testing"

	"github.com/lsmprof/lsmprof/internal/rundir"
)

// A command's output, which may come from a container, reaches the terminal only as printable text.
func TestErrorsShowOutputAsText(t *testing.T) {
	test := rundir.Test{Metric: "([0-9]+) ops", Better: rundir.Higher}
	for _, err := range []error{
		CommandFailed("1", []byte("\x1b[2Jdone")), second(SampleOf(test, []byte("\x1b[2Jdone"), 1e9)),
	} {
		if err == nil || !strings.Contains(err.Error(), "done") || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%q", err)
		}
	}
}

func second(_ Sample, err error) error { return err }

func TestParseTest(t *testing.T) {
	got, err := ParseTest(`name=redis; run=redis-benchmark -q;; true; metric=([0-9.]+) requests; better=higher`)
	if err != nil || got.Name != "redis" || got.Run != "redis-benchmark -q; true" ||
		got.Metric != "([0-9.]+) requests" || got.Better != "higher" {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := ParseTest("name=build; run=make"); err != nil || got.Better != rundir.Lower || got.Unit != "s" {
		t.Errorf("%+v, %v", got, err)
	}
	for s, want := range map[string]string{
		"run=x":                                "needs name",
		"name=x; run=y; better=more":           "higher or lower",
		"name=x; run=y; better=higher":         "needs a metric",
		"name=x; run=y; metric=[0-9]+":         "groups",
		"name=x; run=y; metric=([0-9]+":        "metric",
		"name=x; name=y; run=z":                "each once",
		"name=x; run=y; colour=([0-9]+)":       "colour",
		"name=x; run=y; metric=(a)(b); better": "better",
	} {
		if _, err := ParseTest(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", s, err, want)
		}
	}
}
