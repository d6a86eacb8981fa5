package accuracy

import (
	"context"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

// The test polls after every call, so that it knows every reading as a difference of the sum. The quantiles of the
// histogram must agree with those of the readings.
func TestIcountQuantilesAgreeWithRawReadings(t *testing.T) {
	r := rigOf(t)
	dir := t.TempDir()
	var files []string
	for range 15 {
		file := filepath.Join(dir, "file")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
		if dir = filepath.Join(dir, "d"); os.Mkdir(dir, 0o700) != nil {
			t.Fatalf("no folder %s", dir)
		}
	}
	detach, err := r.reference(enforcer.Rules{File: 8}, "file_open").attach()
	if err != nil {
		t.Fatal(err)
	}
	defer detach()
	tr, err := tracer.Start(context.Background(), tracer.Options{
		Select: func(p tracer.Program) bool { return p.Hook == "file_open" },
		Memory: 1, // few counters, because each poll reads them all
	})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()

	var raw []uint64
	var last profile.Row
	rng := rand.New(rand.NewPCG(1, 2))
	for range 1500 {
		fd, err := unix.Openat2(unix.AT_FDCWD, files[min(int(rng.ExpFloat64()*3), len(files)-1)],
			&unix.OpenHow{})
		if err != nil {
			t.Fatal(err)
		}
		unix.Close(fd)
		if err := tr.Poll(context.Background()); err != nil {
			t.Fatal(err)
		}
		now := openRow(t, tr)
		switch n := now.Readings.Count() - last.Readings.Count(); {
		case n == 0 && now.Preempted == last.Preempted+1: // it has no reading
			last = now
			continue
		case n != 1:
			t.Fatalf("%d readings of one open, want 1", n)
		}
		raw = append(raw, now.Sum-last.Sum)
		last = now
	}
	slices.Sort(raw)
	for _, q := range []float64{0.1, 0.5, 0.9, 0.99, 0.999} {
		exact := float64(raw[int(math.Ceil(q*float64(len(raw))))-1])
		got := (&profile.Cost{Row: last}).Quantile(q)
		t.Logf("p%g: %.0f ns, exact value %.0f ns: %+.2f %%", 100*q, got, exact, 100*(got/exact-1))
		if math.Abs(got-exact) > profile.Tolerance*exact {
			t.Errorf("p%g is %.0f ns, want %.0f ns: %+.2f %%", 100*q, got, exact, 100*(got/exact-1))
		}
	}
}

// openRow returns the sum of the rows of openat2(2). Go and the tracer use openat(2).
func openRow(t *testing.T, tr *tracer.Tracer) profile.Row {
	t.Helper()
	snap, err := tr.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	var sum profile.Row
	for _, row := range snap.Rows {
		if row.Syscall == "openat2" {
			sum.Sum += row.Sum
			sum.Preempted += row.Preempted
			sum.Readings.Merge(&row.Readings)
		}
	}
	return sum
}
