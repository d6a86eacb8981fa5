package bench

import (
	"os"
	"runtime"
	"strings"

	"github.com/lsmprof/lsmprof/internal/kernel"
)

// Machine is what the numbers are of.
type Machine struct {
	Kernel      string   `json:"kernel"`
	Build       string   `json:"kernel_build"`
	Arch        string   `json:"arch"`
	CPU         string   `json:"cpu"`
	CPUs        int      `json:"cpus"`
	Preemption  string   `json:"preemption"`
	Mitigations []string `json:"mitigations"`
	LSMs        []string `json:"lsms"`
	ClockSource string   `json:"clock_source"`
	Governor    string   `json:"governor"` // empty: the kernel does not scale frequencies, as in most virtual machines
	Hypervisor  bool     `json:"hypervisor"`
	Emulated    bool     `json:"emulated"` // by QEMU without hardware virtualisation: times mean little
	CommandLine string   `json:"kernel_command_line"`
}

// ThisMachine describes where lsmprof runs.
func ThisMachine() Machine {
	release, build, _ := kernel.Uname()
	lsms, _ := kernel.LSMs()
	cmdline, _ := os.ReadFile("/proc/cmdline")
	cpuinfo, _ := os.ReadFile("/proc/cpuinfo")
	governor, _ := os.ReadFile("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
	return Machine{
		Kernel: release, Build: build, Arch: runtime.GOARCH, CPU: kernel.CPUModel(), CPUs: runtime.NumCPU(),
		Preemption: kernel.Preemption(), Mitigations: append([]string{}, kernel.Mitigations()...), LSMs: append([]string{}, lsms...),
		ClockSource: kernel.ClockSource(), Governor: strings.TrimSpace(string(governor)),
		Hypervisor:  strings.Contains(string(cpuinfo), " hypervisor"),
		Emulated:    strings.Contains(string(cpuinfo), "QEMU TCG"),
		CommandLine: strings.TrimSpace(string(cmdline)),
	}
}
