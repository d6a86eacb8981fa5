package accuracy

import (
	"os"
	"sync"
	"testing"

	"github.com/lsmprof/lsmprof/internal/vmtest"
)

// sharedRig is made once: that takes as long as some of the measurements. It goes with the process.
var sharedRig = sync.OnceValues(NewRig)

func rigOf(t *testing.T) *Rig {
	t.Helper()
	vmtest.IcountGuest(t)
	r, err := sharedRig()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestIcountAccuracy(t *testing.T) {
	r := rigOf(t)
	t.Log(r.calibration)
	results, err := r.Accuracy()
	if err != nil {
		t.Error(err)
	}
	if err := WriteAccuracy(os.Stdout, "text", originHere(t), results); err != nil {
		t.Error(err)
	}
	for _, res := range results {
		if !res.Holds() {
			t.Errorf("%s, %s: reported %.1f, the truth is %.1f; may be %.1f off", res.Case, res.Enforcer, res.Reported, res.Truth, res.Target)
		}
	}
}

// A table that measures one call too many or too few would still show small errors.
func TestIcountEveryOperationReachesItsHooksOnce(t *testing.T) {
	r := rigOf(t)
	results, err := r.run(accuracyCase{name: "open", op: openClose(2), layers: []layer{small("file_open", 0)}})
	if err != nil || len(results) != 1 || results[0].Calls != 1 {
		t.Errorf("%+v, %v", results, err)
	}
}
