package bench

import (
	"os"
	"runtime"
	"strings"

	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/internal/rundir"
)

// ThisMachine describes where lsmprof runs.
func ThisMachine() rundir.Machine {
	release, build, _ := kernel.Uname()
	lsms, _ := kernel.LSMs()
	cmdline, _ := os.ReadFile("/proc/cmdline")
	cpuinfo, _ := os.ReadFile("/proc/cpuinfo")
	governor, _ := os.ReadFile("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
	return rundir.Machine{
		Kernel: release, Build: build, Arch: runtime.GOARCH, CPU: kernel.CPUModel(), CPUs: runtime.NumCPU(),
		Preemption: kernel.Preemption(), Mitigations: append([]string{},
			kernel.Mitigations()...), LSMs: append([]string{}, lsms...),
		ClockSource: kernel.ClockSource(), Governor: strings.TrimSpace(string(governor)),
		Hypervisor:  strings.Contains(string(cpuinfo), " hypervisor"),
		Emulated:    strings.Contains(string(cpuinfo), "QEMU TCG"),
		CommandLine: strings.TrimSpace(string(cmdline)),
	}
}
