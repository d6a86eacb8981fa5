package score

import "slices"

// Test is one of the twelve tests of UnixBench's index.
type Test struct {
	Name  string // as Run calls it on its command line: "execl"
	Label string // as reports print it: "Execl Throughput"
	Unit  string // of its scores: lps, lpm, KBps or MWIPS
	// Baseline is the score of a SPARCstation 20-61, in Unit. It is index 10.
	Baseline float64
}

// Tests returns the tests of the index in UnixBench's order.
func Tests() []Test {
	return []Test{
		{"dhry2reg", "Dhrystone 2 using register variables", "lps", 116700},
		{"whetstone-double", "Double-Precision Whetstone", "MWIPS", 55},
		{"execl", "Execl Throughput", "lps", 43},
		{"fstime", "File Copy 1024 bufsize 2000 maxblocks", "KBps", 3960},
		{"fsbuffer", "File Copy 256 bufsize 500 maxblocks", "KBps", 1655},
		{"fsdisk", "File Copy 4096 bufsize 8000 maxblocks", "KBps", 5800},
		{"pipe", "Pipe Throughput", "lps", 12440},
		{"context1", "Pipe-based Context Switching", "lps", 4000},
		{"spawn", "Process Creation", "lps", 126},
		{"syscall", "System Call Overhead", "lps", 15000},
		{"shell1", "Shell Scripts (1 concurrent)", "lpm", 42.4},
		{"shell8", "Shell Scripts (8 concurrent)", "lpm", 6},
	}
}

func byLabel(label string) (Test, bool) {
	return find(func(t Test) bool { return t.Label == label })
}

func byName(name string) (Test, bool) {
	return find(func(t Test) bool { return t.Name == name })
}

func find(wanted func(Test) bool) (Test, bool) {
	tests := Tests()
	i := slices.IndexFunc(tests, wanted)
	if i < 0 {
		return Test{}, false
	}
	return tests[i], true
}
