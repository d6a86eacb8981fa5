package accuracy

import (
	"os"
	"sync"
	"testing"

	"github.com/lsmprof/lsmprof/internal/vmtest"
)

// sharedRig is created once, because that takes as long as some measurements. The process never closes it.
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
			t.Errorf("%s, %s: reported %.1f, want %.1f, at most %.1f off", res.Case, res.Enforcer,
				res.Reported, res.Truth, res.Target)
		}
	}
}

// An operation with one call too many or too few would still have small errors.
func TestIcountEveryOperationReachesItsHooksOnce(t *testing.T) {
	r := rigOf(t)
	results, err := r.run(accuracyCase{name: "open", op: openClose(2), layers: []layer{small("file_open", 0)}})
	if err != nil || len(results) != 1 || results[0].Calls != 1 {
		t.Errorf("%+v, %v; want 1 result with 1 call", results, err)
	}
}
