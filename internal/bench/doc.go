// Package bench measures what an enforcer costs benchmarks: scenarios x tests x rounds, written to a run directory as
// they finish.
//
// A [rundir.Plan] says what runs and in which order. A [Dir] is the run directory: every finished round is appended to
// it before the next one starts. [Bench.Run] measures what the directory still lacks, and its [Profiler] finds out
// where the hooks run and how long they take. Package rundir knows what a run directory holds and what follows from it;
// packages host and container run the tests.
//
// Errors name the test and the scenario that they are about. Results that were measured before an error stay in the run
// directory, and a later bench continues from there.
package bench
