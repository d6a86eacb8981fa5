// Package stats holds the arithmetic behind a benchmark's table: losses against a baseline, their intervals, and which
// losses are too small to detect. It is pure and deterministic, and safe for concurrent use.
//
// A loss of 0.02 means that a scenario did 2 % fewer operations in the same time than the baseline.
package stats
