// Package stats is the arithmetic behind a benchmark's table: losses against a baseline, how sure they are, and what could not
// have been seen. It is pure and deterministic: where chance is used, the caller gives the seed.
//
// Rates go in, losses come out. A loss of 0.02 means that a scenario did 2 % fewer operations in the same time.
package stats
