package unixbench

import "time"

// Result is one pass of a test.
type Result struct {
	Test string
	// Count is UnixBench's COUNT (a rate for the file copies), or the operations of a built-in test.
	Count   float64
	Elapsed time.Duration
	Unit    string
	// Score is in Unit.
	Score float64
	// Ops are operations as Test.Operation defines them.
	Ops uint64
	// CPU is what the program and the children it waited for used, set-up included: not context1's child. On a busy machine it
	// varies less than Elapsed.
	CPU time.Duration
	// Output is what the program printed, for the run directory.
	Output string
}
