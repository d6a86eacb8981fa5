package profile

// CounterUsage says how many counters of a program are in use, on all CPUs together. Each workload and syscall takes
// one on every CPU that runs it, for as long as the program is probed. When none is left, new workloads and syscalls
// are charged to [SyscallOverflow].
type CounterUsage struct {
	Program        int // index into the programs of a Snapshot
	Used, Counters int
	Bytes          int // kernel memory of the counters
}
