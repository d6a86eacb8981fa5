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

// A whole run, of six scenarios and UnixBench's twelve tests, can be mailed.
func TestSizeOfAPage(t *testing.T) {
	run := newSynthetic(12, 7, 40).withProfiles(t).read(t)
	r := New(run)
	r.AddFlameGraphs(run, nil)
	if size := len(formats(t, r)["html"]); size > 2<<20 || r.flames == nil || len(r.flames.Pages) != 6*3+5*3 {
		t.Errorf("the page has %d bytes and %d flame graphs", size, len(r.flames.Pages))
	} else {
		t.Logf("%d bytes", size)
	}
}
