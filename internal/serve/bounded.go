package serve

import "time"

// bounded is a table that cannot grow beyond what is set: whatever the names that workloads choose, a scrape stays small.
type bounded[K comparable, V any] struct {
	limit    int
	rows     map[K]*boundedRow[V]
	overflow uint64 // how often a row did not get the name it asked for
}

type boundedRow[V any] struct {
	value   V
	touched time.Time
}

func newBounded[K comparable, V any](limit int) *bounded[K, V] {
	return &bounded[K, V]{limit: limit, rows: map[K]*boundedRow[V]{}}
}

// at returns the row of the first of keys for which there is room, and makes it where it is missing. They go from the most to the
// least telling; the last always has room, and the one before the tenth that is left free for it.
func (b *bounded[K, V]) at(now time.Time, keys ...K) *V {
	for i, k := range keys {
		row := b.rows[k]
		room := b.limit
		if i == 0 && len(keys) > 1 {
			room -= b.limit / 10
		}
		if row == nil && (len(b.rows) < room || i == len(keys)-1) {
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
	panic("no keys")
}

// expire makes room where it is running out: of what has not been seen since. For Prometheus a counter that comes back has
// restarted from 0, which its functions know how to read.
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
