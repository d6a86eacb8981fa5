package kernel

import (
	"cmp"
	"strings"
)

// Preemption models. None and Voluntary never preempt kernel code, and so no tracing program.
const (
	PreemptNone      = "none"
	PreemptVoluntary = "voluntary"
	PreemptFull      = "full"
	PreemptLazy      = "lazy"
	PreemptRT        = "rt"
	PreemptUnknown   = "unknown"
	// PreemptNoneOrVoluntary is a kernel without preemption whose configuration cannot be read.
	PreemptNoneOrVoluntary = "none or voluntary"
)

// Preempts reports whether the kernel may preempt its own code, and so BPF programs. If the model is unknown, Preempts
// returns true: probes that check for preemption in vain only cost a few instructions more.
func Preempts() bool {
	switch Preemption() {
	case PreemptNone, PreemptVoluntary, PreemptNoneOrVoluntary:
		return false
	}
	return true
}

// Preemption returns the preemption model in force. A kernel with PREEMPT_DYNAMIC chooses at boot. Root can read the
// choice in debugfs unless lockdown forbids it; otherwise the boot parameter or the configuration decides.
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

// preemption returns the model, given the build string and what the other sources say. The build string has PREEMPT,
// PREEMPT_LAZY, PREEMPT_RT or PREEMPT_DYNAMIC, and none of them for the two models without preemption.
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

// bracketedRound returns the choice in force in a file like `none voluntary (full) lazy`.
func bracketedRound(choices string) string {
	return bracketed(strings.NewReplacer("(", "[", ")", "]").Replace(choices))
}
