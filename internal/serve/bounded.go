package serve

import "time"

// bounded is a table with a limit on its rows: however many names workloads choose, a scrape stays small.
type bounded[K comparable, V any] struct {
	limit    int
	rows     map[K]*boundedRow[V]
	overflow uint64 // how often a row could not have the key that was asked for
}

type boundedRow[V any] struct {
	value   V
	touched time.Time
}

func newBounded[K comparable, V any](limit int) *bounded[K, V] {
	return &bounded[K, V]{limit: limit, rows: map[K]*boundedRow[V]{}}
}

// at returns the row of the first of keys for which there is room, and makes that row if it is missing. The keys go
// from the most specific to the least. The first may not use the last tenth of the table, so that there is room for the
// others; the last one always has room.
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
