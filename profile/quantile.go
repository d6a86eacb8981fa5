package profile

// distribution is a histogram of readings, in ns, whose exact sum is known. The sum says where in their buckets the
// readings lie.
type distribution struct {
	weights [Buckets]float64 // number of calls, not necessarily whole
	sum     float64          // of all readings

	total float64 // of weights
	at    float64 // where the mean of a bucket's readings lies: 0 is its smallest value, 1 its largest
	open  float64 // mean of the readings in the last bucket, which has no largest value
}

// add counts readings with the given sum, each factor times.
func (d *distribution) add(readings *Histogram, sum, factor float64) {
	for i, n := range readings {
		d.weights[i] += factor * float64(n)
	}
	d.sum += factor * sum
}

// locate works out where in their buckets the readings lie. The bounds of the buckets bound the sum of all readings
// from both sides, and the exact sum lies at some fraction of the way from one bound to the other. Every bucket's mean
// is taken to lie at the same fraction of its own bucket: the means then have the exact sum, and readings that are all
// in one bucket their exact mean.
func (d *distribution) locate() {
	const last = Buckets - 1
	var low, width float64
	d.total = 0
	for i, n := range d.weights {
		d.total += n
		if n > 0 && i < last {
			lo, hi := ends(i)
			low, width = low+n*lo, width+n*(hi-lo)
		}
	}
	rest := d.sum
	if n := d.weights[last]; n > 0 {
		floor, _ := Bounds(last)
		d.open = max(float64(floor), (d.sum-low-width/2)/n)
		rest -= n * d.open
	}
	d.at = 0
	if width > 0 {
		d.at = min(max((rest-low)/width, 0), 1)
	}
}

// ends returns the smallest and the largest value of bucket i, which must not be the last.
func ends(i int) (lo, hi float64) {
	first, next := Bounds(i)
	return float64(first), float64(next - 1)
}

// mean returns the mean of the readings in bucket i. It needs locate.
func (d *distribution) mean(i int) float64 {
	if i == Buckets-1 {
		return d.open
	}
	lo, hi := ends(i)
	return lo + d.at*(hi-lo)
}

// quantile returns the smallest reading that at least the share q of all readings does not exceed; 0 without readings.
// It is in the same bucket as the exact one, so less than a quarter off, and it never falls when q rises. It needs
// locate.
func (d *distribution) quantile(q float64) float64 {
	// A product like 0.99 * 100 may come out a little above 99, which is in the next bucket.
	rank := q * d.total * (1 - 1e-12)
	highest := -1
	for i, n := range d.weights {
		if n <= 0 {
			continue
		}
		highest = i
		if rank <= n {
			return d.within(i, max(rank, 0)/n)
		}
		rank -= n
	}
	if highest < 0 {
		return 0
	}
	return d.within(highest, 1)
}

// within returns the reading at the share f of bucket i. The readings reach from the bucket's mean to its ends as far
// as the buckets next to it are filled: if those are empty, the readings are most likely close together.
func (d *distribution) within(i int, f float64) float64 {
	mean := d.mean(i)
	if i == Buckets-1 {
		return mean
	}
	lo, hi := ends(i)
	if f < 0.5 {
		return mean - (1-2*f)*d.reach(i, i-1)*(mean-lo)
	}
	return mean + (2*f-1)*d.reach(i, i+1)*(hi-mean)
}

// reach returns how far the readings in bucket i reach towards the bucket next to it: 0 not beyond their mean, 1 to the
// end.
func (d *distribution) reach(i, next int) float64 {
	if next < 0 {
		return 1
	}
	return min(1, d.weights[next]/d.weights[i])
}
