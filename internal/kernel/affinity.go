package kernel

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// MaxCPUs is the number of CPUs that a unix.CPUSet holds.
const MaxCPUs = 1024

// AllowedCPUs returns the CPUs that a thread may run on, by number. Thread 0 is the calling one.
func AllowedCPUs(tid int) (allowed []int, err error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(tid, &set); err != nil {
		return nil, fmt.Errorf("read the CPUs of this process: %w", err)
	}
	for cpu := range MaxCPUs {
		if set.IsSet(cpu) {
			allowed = append(allowed, cpu)
		}
	}
	return allowed, nil
}
