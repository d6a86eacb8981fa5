package tracer

// Room says how many of a program's counters are taken. One that is taken is never given up while the program is probed: when
// none is left, what comes new is charged to [other].
type Room struct {
	Program     int // index into the programs of a Snapshot
	Used, Cells int
}

// Room is that of each program that is probed now, as of the last Poll.
func (t *Tracer) Room() []Room {
	var all []Room
	for i, tr := range t.order {
		if tr.probe != nil {
			all = append(all, Room{i, tr.probe.cells.used, len(tr.probe.cells.last)})
		}
	}
	return all
}
