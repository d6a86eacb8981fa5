package accuracy

import (
	"math"
	"slices"
	"testing"

	"github.com/lsmprof/lsmprof/tracer"
)

// What is calibrated with the probes that count holds for those that trace, and for those that count beside a program that takes
// stacks: the bias is the same.
func TestIcountReadingsAreThoseThatWereCalibrated(t *testing.T) {
	r := rigOf(t)
	op, err := getpgid()
	if err != nil {
		t.Fatal(err)
	}
	op.batches = 100
	detach, err := small("task_getpgid", 0).attach()
	if err != nil {
		t.Fatal(err)
	}
	defer detach()
	bias := r.calibration.Bias.Value

	var readings []float64
	err = r.stream("task_getpgid", tracer.TraceOptions{}, op.latencies, func(inv *tracer.Event) error {
		readings = append(readings, inv.Reading)
		return nil
	})
	if err != nil || len(readings) < op.total() {
		t.Fatalf("%d readings of %d calls, %v", len(readings), op.total(), err)
	}
	slices.Sort(readings)
	if median := readings[len(readings)/2]; math.Abs(median-bias) > 2 {
		t.Errorf("trace reads %.1f of an empty program, the bias is %.1f", median, bias)
	}

	snap, err := r.sampleStacks("task_getpgid", 1, op.latencies)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range snap.Rows {
		if row.Syscall != "getpgid" {
			continue
		}
		if p50 := row.Readings.Quantile(0.5); math.Abs(p50-bias) > 0.125*bias {
			t.Errorf("beside the program that takes stacks %.1f is read of an empty program, the bias is %.1f", p50, bias)
		}
		if len(row.Stacks) == 0 {
			t.Error("no stack was taken")
		}
	}
}
