package report

import "testing"

// Every method of the zero Report works.
func TestZeroReport(t *testing.T) {
	var r Report
	formats(t, &r)
	if r.Regressions(0) != nil || len(r.Tables()) == 0 {
		t.Error("the zero report has regressions or no tables")
	}
	new(Fleet).Missing("node", nil)
	if _, err := r.Handler(); err != nil {
		t.Error(err)
	}
	for _, compared := range []*Report{r.Compare(&r), r.Compare(nil), sample(t).Compare(&r), r.Compare(sample(t))} {
		formats(t, compared)
	}
}
