package serve

import "time"

// bounded is a table with a limit on its rows: however many names workloads choose, a scrape stays small.
type bounded[K comparable, V any] struct {
	limit    int
	rows     map[K]*boundedRow[V]
	overflow uint64 // how often at could not use the first of its keys
}

type boundedRow[V any] struct {
	value   V
	touched time.Time
}

func newBounded[K comparable, V any](limit int) *bounded[K, V] {
	return &bounded[K, V]{limit: limit, rows: map[K]*boundedRow[V]{}}
}

// at returns the row of the first key that has one or whose row fits into the table. The keys go from the most specific
// to the least. The last tenth of the table is reserved for keys after the first, and the last key always fits.
func (b *bounded[K, V]) at(now time.Time, keys ...K) *V {
	for i, k := range keys {
		row := b.rows[k]
		limit := b.limit
		if i == 0 && len(keys) > 1 {
			limit -= b.limit / 10
		}
		if row == nil && (len(b.rows) < limit || i == len(keys)-1) {
			row = &boundedRow[V]{}
			b.rows[k] = row
		}
		if row != nil {
			row.touched = now
			return &row.value
		}
		if i == 0 {
			b.overflow++
		}
	}
	return new(V) // without keys
}

// expire deletes rows that were last touched before the given time, but only if the table is nearly full. If such a row
// comes back, it starts at 0: Prometheus reads that as a restart of the counter.
func (b *bounded[K, V]) expire(before time.Time) {
	if len(b.rows) < b.limit-b.limit/10 {
		return
	}
	for k, row := range b.rows {
		if row.touched.Before(before) {
			delete(b.rows, k)
		}
	}
}
