// Package accuracy measures lsmprof itself: how far what it reports is from the truth, and what it adds to an invocation while it
// measures. Both are exact in a guest that counts instructions (vm -icount), where one nanosecond is one instruction.
//
// The truth is what an operation takes with the enforcer minus what it takes without, no probes anywhere.
package accuracy
