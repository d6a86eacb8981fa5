package stats

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestPairMeansAreCountedInOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for n := 1; n <= 40; n++ {
		xs := normals(rng, n)
		xs[n/2] = xs[0] // two values may be the same
		slices.Sort(xs)
		var means []float64
		for i, x := range xs {
			for _, y := range xs[i:] {
				means = append(means, (x+y)/2)
			}
		}
		slices.Sort(means)
		d := pairMeans(n)
		d.sorted = xs
		for k, want := range means {
			if got := d.quantile(float64(k + 1)); got != want {
				t.Fatalf("%d values: mean %d is %v, want %v", n, k+1, got, want)
			}
		}
	}
}
