// Package bench measures what an enforcer costs benchmarks: scenarios x tests x rounds, written to a run directory as they
// finish.
//
// The way through it: a [Plan] says what runs and in which order; a [Dir] is the run directory, to which every finished round is
// appended before the next one starts; [Bench.Run] works through what the directory still lacks, and the [Profiler] finds out where
// the hooks run and what they take. What is in a run directory, and what follows from it, is package rundir's.
//
// Errors name the test and the scenario they are about and end in what can be done. What was measured before an error stays
// in the run directory, and a later bench goes on from there.
package bench
