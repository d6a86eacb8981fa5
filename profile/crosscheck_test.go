package profile

import (
	"bytes"
	"math"
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/internal/golden"
)

// checked returns the sample with a second pass, in which the first program ran twice as often per second, the second
// never ran, and the third was gone.
func checked(rerun bool) Snapshot {
	s := sample()
	s.CrossCheck = &CrossCheck{Duration: 5 * time.Second, Rerun: rerun, Bias: 97, Programs: []KernelRuns{
		{Present: true, Runs: 1164, Time: 1164 * (2200 + 97)},
		{Present: true},
		{},
	}}
	return s
}

func TestCompareRates(t *testing.T) {
	got := costs(t, checked(false)).Compare()
	if c := got[0]; c.Calls != 116.4 || c.Runs != 232.8 || c.CallsPercent != -50 || math.Abs(c.Mean-2200) > 1e-9 {
		t.Errorf("first program: %+v; want 116.4 calls/s, 232.8 runs/s, -50 %%, a mean of 2200 ns", c)
	}
	if c := got[1]; !c.Present || c.Runs != 0 || c.CallsPercent != 0 || c.Mean != 0 {
		t.Errorf("program that did not run: %+v; want it present, and zeros", c)
	}
	if got[2].Present {
		t.Errorf("program that was gone: %+v; want it absent", got[2])
	}
}

func TestCompareCallsOfACommandThatRanAgain(t *testing.T) {
	got := costs(t, checked(true)).Compare()
	if c := got[0]; c.Calls != 1164 || c.Runs != 1164 || c.CallsPercent != 0 {
		t.Errorf("first program: %+v; want 1164 calls and runs, 0 %%", c)
	}
}

func TestCrossCheckOfOtherProgramsIsAnError(t *testing.T) {
	s := checked(true)
	s.CrossCheck.Programs = s.CrossCheck.Programs[:1]
	if _, err := s.Costs(); err == nil {
		t.Error("a cross-check of one program of three was accepted")
	}
}

func TestCrossCheckInJSON(t *testing.T) {
	var b bytes.Buffer
	if err := checked(true).WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	i := bytes.Index(b.Bytes(), []byte(`"cross_check"`))
	j := bytes.Index(b.Bytes(), []byte(`"rows"`))
	golden.Equal(t, "crosscheck.json", b.Bytes()[i:j])
}
