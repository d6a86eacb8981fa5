package kernel

import (
	"cmp"
	"strings"
)

// Preemption models. None and Voluntary never preempt kernel code, so no tracing program is ever cut off.
const (
	PreemptNone      = "none"
	PreemptVoluntary = "voluntary"
	PreemptFull      = "full"
	PreemptLazy      = "lazy"
	PreemptRT        = "rt"
	PreemptUnknown   = "unknown"
	// PreemptNoneOrVoluntary is a kernel without preemption whose configuration is not to be had.
	PreemptNoneOrVoluntary = "none or voluntary"
)

// Preempts says whether the kernel may preempt its own code, BPF programs among it. In doubt it may: to look for it
// costs the probes a few instructions.
func Preempts() bool {
	switch Preemption() {
	case PreemptNone, PreemptVoluntary, PreemptNoneOrVoluntary:
		return false
	}
	return true
}

// Preemption is the preemption model in force. A kernel with PREEMPT_DYNAMIC chooses at boot; the choice is in debugfs,
// for root and where lockdown leaves it readable, else it is the boot parameter's or the configuration's.
func Preemption() string {
	_, build, err := Uname()
	if err != nil {
		return PreemptUnknown
	}
	dynamic, _ := readPseudo("debugfs", "/sys/kernel/debug", "sched/preempt")
	configured := ""
	for option, model := range map[string]string{
		"CONFIG_PREEMPT_NONE": PreemptNone, "CONFIG_PREEMPT_VOLUNTARY": PreemptVoluntary,
		"CONFIG_PREEMPT": PreemptFull, "CONFIG_PREEMPT_LAZY": PreemptLazy,
	} {
		if value, err := Config(option); err == nil && value == "y" {
			configured = model
		}
	}
	return preemption(build, bracketedRound(string(dynamic)), bootParameter("preempt="), configured)
}

// preemption: the build string has PREEMPT, PREEMPT_RT or PREEMPT_DYNAMIC, or none of them for both models without
// preemption.
func preemption(build, dynamic, booted, configured string) string {
	word := ""
	for _, w := range strings.Fields(build) {
		if strings.HasPrefix(w, "PREEMPT") {
			word = w
		}
	}
	switch word {
	case "PREEMPT_RT":
		return PreemptRT
	case "PREEMPT_DYNAMIC":
		return cmp.Or(dynamic, booted, configured, PreemptUnknown)
	case "PREEMPT":
		return cmp.Or(dynamic, PreemptFull)
	case "PREEMPT_LAZY":
		return PreemptLazy
	case "":
		if build != "" {
			return cmp.Or(configured, PreemptNoneOrVoluntary)
		}
	}
	return PreemptUnknown
}

// bracketedRound is the choice in force of `none voluntary (full) lazy`.
func bracketedRound(choices string) string {
	return bracketed(strings.NewReplacer("(", "[", ")", "]").Replace(choices))
}
