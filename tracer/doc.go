// Package tracer finds the BPF LSM programs of this machine and measures every call of them. It is the only package
// that loads BPF programs for measuring.
//
// [Programs] lists the programs. [Start] attaches a pair of probes to each selected program and counts: a [Tracer]
// charges the calls to workload, syscall and number of rules, and [Tracer.Snapshot] returns the sums. [StartTrace]
// attaches probes that emit one event per call instead: [Stream.Trace] passes each to a function. Before Linux 5.18
// the probes sit on hooks instead of programs, because the kernel crashes otherwise; see [SupportedScope].
//
// # Errors
//
// An error says which program or hook it is about, what the kernel returned, and what helps. It wraps
//
//   - [ErrUnsupported] if this kernel cannot do what was asked for, whatever the privileges and the options. [Start],
//     [StartTrace], [Calibrate], [CrossCheck], [StartSyscallClock] and [Programs] return such errors;
//   - [os.ErrPermission] if privileges are missing;
//   - [os.ErrClosed] if a method was called after Close, or on a zero [Tracer], [Stream] or [SyscallClock];
//   - the error of a callback, if that ended [Stream.Trace].
//
// A program that cannot be probed is an error only if no other can be. Otherwise it is a warning, in
// [profile.Snapshot.Warnings] and in the log. No error or warning names a flag of the command line.
//
// # States
//
// A [Tracer] counts, and a [Stream] records, from its start to Close, except between two calls of Run or Trace, which
// pause when they end. [Tracer.Snapshot], [Tracer.CounterUsage], [Stream.Programs] and [Stream.Loss] may be called at
// any time: before the first poll, while paused, and after Close. The zero values are closed. No method panics.
//
// # Concurrency
//
// [Programs], [Workloads], [SupportedScope], [Calibrate] and [CrossCheck] are safe for concurrent use, but
// calibrations and cross-checks that run at the same time measure one another. The methods of one [Tracer], [Stream]
// or [SyscallClock] must not be called concurrently; different ones are independent.
package tracer

import "github.com/lsmprof/lsmprof/internal/lsm"

// ErrUnsupported means that no privilege and no other options would make this machine do what was asked for.
var ErrUnsupported error = lsm.ErrUnsupported
