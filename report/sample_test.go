package report

import (
	"strings"
	"testing"

	"github.com/lsmprof/lsmprof/internal/golden"
	"github.com/lsmprof/lsmprof/internal/rundir/rundirtest"
)

const sampleDir = "../docs/sample"

// sample opens the run that docs/sample shows, which was measured.
func sample(t testing.TB) *Report {
	t.Helper()
	r, err := Open(sampleDir + "/run")
	if err != nil {
		t.Fatalf("%v; make sample makes it", err)
	}
	return r
}

// The committed reports are, byte for byte, those of the committed run, on every machine and for every user.
func TestSample(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	t.Setenv("TZ", "Asia/Tokyo")
	for name, text := range formats(t, sample(t)) {
		if !strings.HasSuffix(name, ".csv") {
			name = "report." + name
		}
		golden.Equal(t, "../"+sampleDir+"/"+name, []byte(text))
	}
}

// The page of a run with six scenarios and UnixBench's twelve tests is small enough for mail.
func TestSizeOfAPage(t *testing.T) {
	r := open(t, rundirtest.New(12, 7, 40).WithProfiles(t))
	if size := len(formats(t, r)["html"]); size > 2<<20 || len(r.flameGraphs().Pages) != 6*2+5*2 {
		t.Errorf("the page has %d bytes and %d flame graphs", size, len(r.flameGraphs().Pages))
	} else {
		t.Logf("%d bytes", size)
	}
}
