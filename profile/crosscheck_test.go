package profile

import (
	"bytes"
	"math"
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/internal/golden"
)

// checked is the sample with a second pass in which the first program ran half as often a second and 10 % longer.
func checked(rerun bool) Snapshot {
	s := sample()
	s.CrossCheck = &CrossCheck{Duration: 5 * time.Second, Rerun: rerun, Bias: 97, Programs: []KernelRuns{
		{There: true, Runs: 1164, Time: 1164 * (2200 + 97)},
		{There: true},
		{},
	}}
	return s
}

func TestCompareRates(t *testing.T) {
	got, err := checked(false).Compare()
	if err != nil {
		t.Fatal(err)
	}
	if c := got[0]; c.Calls != 116.4 || c.Runs != 232.8 || c.CallsPercent != -50 || math.Abs(c.Mean-2200) > 1e-9 {
		t.Errorf("%+v", c)
	}
	if c := got[1]; !c.There || c.Runs != 0 || c.CallsPercent != 0 || c.Mean != 0 {
		t.Errorf("a program that did not run: %+v", c)
	}
	if got[2].There {
		t.Errorf("a program that is gone: %+v", got[2])
	}
}

func TestCompareCallsOfACommandThatRanAgain(t *testing.T) {
	got, err := checked(true).Compare()
	if err != nil {
		t.Fatal(err)
	}
	if c := got[0]; c.Calls != 1164 || c.Runs != 1164 || c.CallsPercent != 0 {
		t.Errorf("%+v", c)
	}
}

func TestCompareNeedsEveryProgram(t *testing.T) {
	s := checked(true)
	s.CrossCheck.Programs = s.CrossCheck.Programs[:1]
	if _, err := s.Compare(); err == nil {
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
