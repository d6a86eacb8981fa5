// Package profile holds measurements of BPF LSM programs as plain values. It knows nothing about BPF.
//
// The tracer fills a [Snapshot]. [Snapshot.Costs] works out what each of its rows cost; the result writes itself as a
// pprof profile ([Costs.Write]) or as a JSON document ([Costs.WriteJSON], read back by [ReadJSON]).
//
// All durations without a type of their own are nanoseconds. A Snapshot is a value: nothing in this package changes the
// one it is given. Values may be read by several goroutines at once as long as none of them changes one.
package profile
