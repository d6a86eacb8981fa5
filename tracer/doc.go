// Package tracer finds the BPF LSM programs of this machine, times every invocation of them and says what was measured. It is
// the only package that loads BPF programs for measuring.
//
// The way through it: [Programs] lists what is there, [Start] attaches a pair of probes to each selected program (before Linux
// 5.18: to its hook) and a [Tracer] charges what the probes count to workload, syscall and rule count each time it is polled;
// [Tracer.Snapshot] returns the sum. With [Options.Trace] nothing is counted: [Tracer.Trace] tells of single invocations.
//
// Errors name the program or hook they are about and end in what can be done. A kernel that cannot do what was asked for
// returns an error that wraps [ErrUnsupported].
package tracer

import "github.com/lsmprof/lsmprof/internal/lsm"

// ErrUnsupported is wrapped by errors that no privilege and no other arguments would avoid on this machine.
var ErrUnsupported error = lsm.ErrUnsupported
