package vmtest

import (
	"runtime"
	"testing"
)

// The frequency does not depend on how busy the machine is.
func TestTSCFrequency(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("only amd64 has a time stamp counter")
	}
	if khz := tscKHz(); khz < 500_000 || khz > 10_000_000 {
		t.Errorf("%d kHz", khz)
	}
}
