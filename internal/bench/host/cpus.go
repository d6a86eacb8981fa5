package host

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/internal/rundir"
)

// TestCPUs parses a list of CPUs for tests, such as "2-3,6". For "any" it returns nil, which stands for all CPUs. For
// an empty list it returns the last CPU that this process may use.
func TestCPUs(list string) ([]int, error) {
	allowed, err := kernel.AllowedCPUs(0)
	if err != nil {
		return nil, err
	}
	switch list {
	case "any":
		return nil, nil
	case "":
		// One CPU for all copies: they would settle on CPUs of different speed otherwise.
		return allowed[len(allowed)-1:], nil
	}
	var out []int
	for part := range strings.SplitSeq(list, ",") {
		first, last, isRange := strings.Cut(strings.TrimSpace(part), "-")
		if !isRange {
			last = first
		}
		a, err1 := strconv.Atoi(first)
		b, err2 := strconv.Atoi(last)
		if err1 != nil || err2 != nil || a > b || b-a > kernel.MaxCPUs {
			return nil, fmt.Errorf("%q is not a CPU or a range of CPUs", part)
		}
		for cpu := a; cpu <= b; cpu++ {
			out = append(out, cpu)
		}
	}
	return out, contained(out, allowed)
}

// contained checks that this process may use the CPUs.
func contained(cpus, allowed []int) error {
	for _, cpu := range cpus {
		if !slices.Contains(allowed, cpu) {
			return fmt.Errorf("CPU %d is missing or not allowed for this process, which may use %v", cpu,
				allowed)
		}
	}
	return nil
}

// checkCPUs checks that the CPUs of a plan, which an earlier bench may have chosen, are available now.
func checkCPUs(plan *rundir.Plan) error {
	allowed, err := kernel.AllowedCPUs(0)
	if err != nil {
		return err
	}
	return contained(slices.Concat(plan.CPUs, plan.CopyCPUs), allowed)
}

// Shared reports whether tests on these CPUs leave no other CPU to lsmprof. Its work then disturbs them.
func Shared(cpus []int) bool {
	allowed, err := kernel.AllowedCPUs(0)
	return err == nil && !slices.ContainsFunc(allowed, func(cpu int) bool { return !slices.Contains(cpus, cpu) })
}

// CopyCPUs parses the CPUs that several copies of a test share: all, unless the list names some.
func CopyCPUs(list string) ([]int, error) {
	if list != "" && list != "any" {
		return TestCPUs(list)
	}
	return kernel.AllowedCPUs(0)
}

// LeaveCPUs moves this process away from the CPUs of tests, if there are others, until the returned function is called.
func LeaveCPUs(tests []int) (release func()) {
	var before, others unix.CPUSet
	if unix.SchedGetaffinity(0, &before) != nil {
		return func() {}
	}
	for cpu := range kernel.MaxCPUs {
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

// moveThreads moves all threads of this process. Later threads inherit the CPUs of those that start them.
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
