package kernel

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// ClockSource is what the kernel reads the time from: tsc, kvm-clock, hpet, … Empty where it does not say.
func ClockSource() string {
	return readWord("/sys/devices/system/clocksource/clocksource0/current_clocksource")
}

// JIT says whether BPF programs are compiled: 0 no, 1 yes, 2 yes with debugging. -1: cannot be read.
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

// HasBTF says whether the kernel describes its own types.
func HasBTF() bool {
	_, err := os.Stat("/sys/kernel/btf/vmlinux")
	return err == nil
}

// Mitigations are the CPU flaws that this kernel works around, as `spectre_v2: Retpolines`.
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
		if how, ok := strings.CutPrefix(state, "Mitigation: "); ok {
			how, _, _ = strings.Cut(how, ";")
			how, _, _ = strings.Cut(how, ",")
			active = append(active, flaw+": "+strings.TrimSpace(how))
		}
	}
	slices.SortFunc(active, cmp.Compare[string])
	return active
}

func readWord(file string) string {
	data, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}
