package profile

// CounterUsage says how many counters of a program are in use where they run out first: in the part that all CPUs share
// or, before Linux 5.18, on the CPU that uses most. When none is left there, calls of new workloads and syscalls are
// charged to [SyscallOverflow].
type CounterUsage struct {
	Program        int // index into the programs of a Snapshot
	Used, Counters int
	Bytes          int // kernel memory of all counters of the program
	// SharedCalls are those charged to counters that all CPUs share. Each takes some 120 instructions more than
	// others.
	SharedCalls uint64
}
