package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/lsmprof/lsmprof/internal/text"
)

// fact is a line of "How it was measured".
type fact struct{ Name, Value string }

func (h *How) facts() []fact {
	m := &h.Machine
	var out []fact
	add := func(name, value string) {
		if value != "" {
			out = append(out, fact{name, value})
		}
	}
	add("Host", m.Host)
	add("Kernel", strings.TrimSpace(m.Kernel+"  "+m.Build))
	if m.CPU != "" {
		add("CPU", fmt.Sprintf("%d × %s, %s", m.CPUs, m.CPU, m.Arch))
	}
	switch {
	case m.Emulated:
		add("Virtual machine", "emulated by QEMU without hardware virtualization: times are the emulator's")
	case m.Hypervisor:
		add("Virtual machine", "yes")
	}
	add("Preemption", m.Preemption)
	if m.Kernel != "" {
		add("Mitigations", cmp.Or(strings.Join(m.Mitigations, "; "), "none reported"))
	}
	add("LSMs", strings.Join(m.LSMs, ", "))
	add("Clock", m.ClockSource)
	if m.Kernel != "" {
		add("Frequency governor", cmp.Or(m.Governor, "none: the kernel does not scale frequencies here"))
	}
	add("Kernel command line", m.CommandLine)
	add("Enforcer", strings.TrimSpace(h.Enforcer+" "+h.Product))
	add("Suite", h.Suite)
	add("Container", h.Container)
	if h.Imported {
		add("Measured", "elsewhere: the scores were imported")
	} else if h.Order != "" {
		add("Order", fmt.Sprintf("%s, seed %d", h.Order, h.Seed))
		add("Rounds of a cell", rangeText(h.RoundsMin, h.RoundsMax)+fmt.Sprintf(" (%s)",
			text.Plural(h.Runs, "run")))
		add("Slice", fmt.Sprintf("%s, after a warm-up of %s that does not count",
			text.Duration(float64(h.SliceNs)), text.Duration(float64(h.WarmupNs))))
	}
	if c := h.Calibration; c != nil {
		add("Calibration", c.String())
		add("Cost of probing", fmt.Sprintf("%s per call, in profile runs only: scores never come from a "+
			"probed run", text.Duration(c.ProbeCost.Value)))
	} else if !h.Imported && h.Order != "" {
		add("Calibration", "none: hook costs are uncorrected readings")
	}
	if h.Completeness != nil {
		add("Completeness", fmt.Sprintf("%.2f %% of the hook calls have a time, in the least complete "+
			"profile run", *h.Completeness))
	}
	add("lsmprof", h.Version)
	return out
}

// estimate says of how many rounds a loss is the median.
func (h *How) estimate() string {
	if h.RoundsMax == 1 {
		return "of one round"
	}
	return fmt.Sprintf("median of %s rounds", rangeText(h.RoundsMin, h.RoundsMax))
}

func rangeText(low, high int) string {
	if low == high {
		return fmt.Sprint(low)
	}
	return fmt.Sprintf("%d to %d", low, high)
}

// OldFacts returns the facts of the old run of a comparison that differ from those of the new one.
func (v *view) OldFacts() []fact {
	now := v.How.facts()
	return slices.DeleteFunc(v.Comparison.Old.facts(), func(f fact) bool { return slices.Contains(now, f) })
}
