// Package accuracy measures lsmprof itself: how far its figures are from the truth, and what it adds to a call
// while it measures. Both are exact in a guest that counts instructions (vm -icount), where one nanosecond is one
// instruction.
//
// The truth is the latency of an operation with the enforcer minus the latency without it, with no probes attached.
package accuracy
