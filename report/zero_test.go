package report

import "testing"

// A report that nobody opened is empty, and every method of it works.
func TestZeroReport(t *testing.T) {
	var r Report
	formats(t, &r)
	if r.Regressions(0) != nil || len(r.Tables()) == 0 {
		t.Error("the zero report has regressions or no tables")
	}
	if _, err := r.Handler(); err != nil {
		t.Error(err)
	}
	for _, compared := range []*Report{r.Compare(&r), r.Compare(nil), sample(t).Compare(&r), r.Compare(sample(t))} {
		formats(t, compared)
	}
}
