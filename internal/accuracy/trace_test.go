package accuracy

import (
	"math"
	"slices"
	"testing"

	"github.com/lsmprof/lsmprof/tracer"
)

// The bias is calibrated with probes that count. It must be the same for probes that emit events, and for probes
// that count next to a program that takes stacks.
func TestIcountBiasHoldsForAllProbes(t *testing.T) {
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
		t.Fatalf("%d readings, want %d: %v", len(readings), op.total(), err)
	}
	slices.Sort(readings)
	if median := readings[len(readings)/2]; math.Abs(median-bias) > 2 {
		t.Errorf("trace reads %.1f ns of an empty program, want the bias, %.1f ns", median, bias)
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
			t.Errorf("with stacks, the probes read %.1f ns of an empty program, want the bias, %.1f ns",
				p50, bias)
		}
		if len(row.Stacks) == 0 {
			t.Error("no stack was taken")
		}
	}
}
