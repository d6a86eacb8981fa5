package kernel

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// ClockSource returns what the kernel reads the time from, such as tsc, kvm-clock or hpet; "" if it is unknown.
func ClockSource() string {
	return readWord("/sys/devices/system/clocksource/clocksource0/current_clocksource")
}

// ClockTick returns the nanoseconds between two ticks of a clock source, 0 if they are unknown. The TSC ticks faster
// than it can be read; the counter of arm64 CPUs ticks at 24 MHz to 1 GHz.
func ClockTick(source string) float64 {
	if hz := counterFrequency(); source == "arch_sys_counter" && hz > 0 {
		return 1e9 / float64(hz)
	}
	return 0
}

// JIT returns how the kernel runs BPF programs: 0 interpreted, 1 compiled, 2 compiled with debugging output, -1
// unknown.
func JIT() int {
	switch readWord("/proc/sys/net/core/bpf_jit_enable") {
	case "0":
		return 0
	case "1":
		return 1
	case "2":
		return 2
	}
	return -1
}

// HasBTF reports whether the kernel describes its own types.
func HasBTF() bool {
	_, err := os.Stat("/sys/kernel/btf/vmlinux")
	return err == nil
}

// Mitigations returns the CPU flaws that this kernel works around and how, sorted: `spectre_v2: Retpolines`.
func Mitigations() []string {
	files, _ := filepath.Glob("/sys/devices/system/cpu/vulnerabilities/*")
	states := map[string]string{}
	for _, f := range files {
		states[filepath.Base(f)] = readWord(f)
	}
	return mitigations(states)
}

func mitigations(states map[string]string) []string {
	var active []string
	for flaw, state := range states {
		how, mitigated := strings.CutPrefix(state, "Mitigation: ")
		if !mitigated {
			// A kernel with retpolines, yet vulnerable: "Retpoline with unsafe module(s)".
			how, mitigated = strings.CutPrefix(state, "Vulnerable: ")
			mitigated = mitigated && retpoline(how)
		}
		if mitigated {
			how, _, _ = strings.Cut(how, ";")
			how, _, _ = strings.Cut(how, ",")
			active = append(active, flaw+": "+strings.TrimSpace(how))
		}
	}
	slices.SortFunc(active, cmp.Compare[string])
	return active
}

// Retpolines reports whether the kernel's indirect calls are retpolines, given the result of Mitigations.
func Retpolines(mitigations []string) bool {
	return slices.ContainsFunc(mitigations, func(m string) bool {
		how, ok := strings.CutPrefix(m, "spectre_v2: ")
		return ok && retpoline(how)
	})
}

// retpoline reports whether the words for a mitigation of spectre_v2 mean retpolines. They changed over time: "Full
// generic retpoline" before Linux 5.10.105 and 5.15.28, "Retpolines" since, "Full retpoline" in kernels of Red Hat, and
// "Enhanced IBRS + Retpolines". "Minimal generic ASM retpoline" means that the compiler had none: only assembly has
// them.
func retpoline(how string) bool {
	how = strings.ToLower(how)
	return strings.Contains(how, "retpoline") && !strings.HasPrefix(how, "minimal ")
}

func readWord(file string) string {
	data, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}
