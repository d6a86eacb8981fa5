package host

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// allowedCPUs are those that this process may use.
func allowedCPUs() (allowed []int, err error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return nil, fmt.Errorf("read the CPUs of this process: %w", err)
	}
	for cpu := range 1024 {
		if set.IsSet(cpu) {
			allowed = append(allowed, cpu)
		}
	}
	return allowed, nil
}

// TestCPUs are the CPUs that tests run on: what the flag says; nil for any.
func TestCPUs(flag string) ([]int, error) {
	allowed, err := allowedCPUs()
	if err != nil {
		return nil, err
	}
	switch flag {
	case "any":
		return nil, nil
	case "":
		// One CPU for all copies: they would settle on CPUs of different speed otherwise.
		return allowed[len(allowed)-1:], nil
	}
	var out []int
	for part := range strings.SplitSeq(flag, ",") {
		first, last, isRange := strings.Cut(strings.TrimSpace(part), "-")
		if !isRange {
			last = first
		}
		a, err1 := strconv.Atoi(first)
		b, err2 := strconv.Atoi(last)
		if err1 != nil || err2 != nil || a > b || b-a > 1024 {
			return nil, fmt.Errorf("%q is not a CPU or a range of CPUs", part)
		}
		for cpu := a; cpu <= b; cpu++ {
			if !slices.Contains(allowed, cpu) {
				return nil, fmt.Errorf("CPU %d is not there, or not for this process: it has %v", cpu, allowed)
			}
			out = append(out, cpu)
		}
	}
	return out, nil
}

// CopyCPUs are those that several copies of a test share: all, unless the flag names some.
func CopyCPUs(flag string) ([]int, error) {
	if flag != "" && flag != "any" {
		return TestCPUs(flag)
	}
	return allowedCPUs()
}

// LeaveCPUs moves this process away from the tests' CPUs, where there are others, until the returned function is called.
func LeaveCPUs(tests []int) (release func()) {
	var before, others unix.CPUSet
	if unix.SchedGetaffinity(0, &before) != nil {
		return func() {}
	}
	for cpu := range 1024 {
		if before.IsSet(cpu) && !slices.Contains(tests, cpu) {
			others.Set(cpu)
		}
	}
	if len(tests) == 0 || others.Count() == 0 {
		return func() {}
	}
	moveThreads(&others)
	return func() { moveThreads(&before) }
}

// moveThreads moves all threads; later ones inherit from those that start them.
func moveThreads(set *unix.CPUSet) {
	entries, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return
	}
	for _, e := range entries {
		if tid, err := strconv.Atoi(e.Name()); err == nil {
			_ = unix.SchedSetaffinity(tid, set)
		}
	}
}
