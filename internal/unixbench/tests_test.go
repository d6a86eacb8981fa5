package unixbench

import (
	"testing"
	"time"
)

func TestScoreUnits(t *testing.T) {
	for name, want := range map[string]float64{
		"execl": 500, "shell1": 30000, "fsbuffer": 125, "fstime": 500,
		"fsdisk": 2000,
	} {
		test, ok := Find(name)
		if !ok {
			t.Fatal(name)
		}
		if got := test.Score(1000, 2*time.Second); got != want {
			t.Errorf("%s: %v %s, want %v", name, got, test.Unit, want)
		}
	}
}
