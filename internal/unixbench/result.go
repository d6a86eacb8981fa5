package unixbench

import "time"

// Result is the result of one pass of a test.
type Result struct {
	Test string
	// Count is UnixBench's COUNT (a rate for the file copies), or the operations of a built-in test.
	Count   float64
	Elapsed time.Duration
	Unit    string
	// Score is in Unit.
	Score float64
	// Ops are operations as the comments of builtinTests and probes define them.
	Ops uint64
	// CPU is the CPU time of the program and of the children that it waited for, with the set-up, but without
	// context1's child. On a busy machine it varies less than Elapsed.
	CPU time.Duration
	// Output is what the program printed.
	Output string
}
