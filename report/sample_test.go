package report

import (
	"os"
	"testing"

	"github.com/lsmprof/lsmprof/internal/golden"
	"github.com/lsmprof/lsmprof/internal/rundir"
)

const sampleDir = "../docs/sample"

// sample is the run that docs/sample shows: a real one.
func sample(t testing.TB) *rundir.Run {
	t.Helper()
	run, err := rundir.Read(os.DirFS(sampleDir + "/run"))
	if err != nil {
		t.Fatalf("%v; make sample makes it", err)
	}
	return run
}

// The committed reports are what the committed run gives, to the byte, wherever and for whomever this runs.
func TestSample(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	t.Setenv("TZ", "Asia/Tokyo")
	run := sample(t)
	r := New(run)
	r.AddFlameGraphs(run, nil)
	for name, text := range formats(t, r) {
		if name == "html" || name == "md" || name == "json" {
			name = "report." + name
		}
		golden.Equal(t, "../"+sampleDir+"/"+name, []byte(text))
	}
}
