package profile

import (
	"strings"
	"time"
)

// readings returns a histogram and its exact sum.
func readings(values ...uint64) (h Histogram, sum uint64) {
	for _, v := range values {
		h.Add(v)
		sum += v
	}
	return h, sum
}

func row(program int, syscall string, w Workload, rules int, values ...uint64) Row {
	r := Row{Program: program, Syscall: syscall, Workload: w, Rules: rules}
	r.Readings, r.Sum = readings(values...)
	return r
}

func repeat(v uint64, n int) []uint64 {
	values := make([]uint64, n)
	for i := range values {
		values[i] = v
	}
	return values
}

var (
	nginx = Workload{
		MntNS: 4026532201, Comm: "nginx", ContainerID: strings.Repeat("3f9a", 16),
		Namespace: "web", Pod: "nginx-0", Container: "nginx",
		Image: "registry.example/nginx:1.27", Labels: "app=web,tier=front",
	}
	host = Workload{MntNS: 4026531840, Comm: "systemd", Cgroup: "/init.scope"}
)

// sample returns a snapshot with something of everything: two enforcers, unknown and zero rules, preempted and missed
// calls, a kernel thread.
func sample() Snapshot {
	s := Snapshot{
		Start:       time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC),
		Duration:    10 * time.Second,
		Version:     "v0.1.0",
		CommandLine: []string{"lsmprof", "record", "--", "sh", "-c", "cat /etc/hosts"},
		Machine:     Machine{Kernel: "6.12.9-cloud-amd64", Arch: "amd64", CPU: "Example 3000", CPUs: 4},
		Calibration: Calibration{
			Runs: 32, Bias: Median{158, 2}, Dispatch: Median{156, 3}, DispatchNext: Median{20, 1},
			ProbeCost: Median{420, 8},
		},
		Programs: []Program{
			{ID: 7, Name: "varmor_file_open", Hook: "file_open", Timed: 1160, Preempted: 4},
			{ID: 9, Name: "varmor_bprm_check_security", Hook: "bprm_check_security", Timed: 200},
			{ID: 12, Name: "other_file_open", Hook: "file_open", Position: 1, Timed: 98, Missed: 2},
		},
		Rows: []Row{
			row(0, "openat", nginx, 8, append(repeat(2200, 990), repeat(5600, 10)...)...),
			row(0, "openat", nginx, RulesUnknown, repeat(1800, 6)...),
			row(0, "execve", nginx, 8, repeat(2100, 100)...),
			row(0, "openat", host, 0, repeat(360, 50)...),
			row(0, "[kthread]", host, 0, repeat(100, 4)...),
			row(1, "execve", nginx, 8, repeat(890, 200)...),
			row(2, "openat", nginx, RulesUnknown, repeat(1158, 98)...),
		},
		Warnings: []Warning{{Text: "1 program appeared after the start"}},
	}
	for i, enforcer := range []string{"varmor", "varmor", "generic"} {
		s.Programs[i].Enforcer = enforcer
	}
	s.Rows[0].Denials = 3
	s.Rows[3].Preempted = 4
	return s
}
