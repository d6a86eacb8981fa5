package check

import (
	"fmt"
	"strings"

	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/profile"
)

func judgeClock(f *Facts) Item {
	i := ok("clock source", f.Clock)
	switch f.Clock {
	case "tsc":
	case "arch_sys_counter":
		return judgeTick(i, f.ClockTick)
	case "kvm-clock", "hyperv_clocksource_tsc_page", "xen":
		i.Reason = "reads the TSC through a page of the hypervisor, which takes longer; the calibration " +
			"accounts for it"
	case "":
		i.Value = "unknown"
		return i.warn("the kernel does not say which clock it reads", "")
	case "tsc-early":
		return i.warn("the TSC is not calibrated yet: times may be wrong by some percent",
			"wait some seconds after boot")
	default:
		return i.warn("reading it takes up to 1 µs, twice per call: probes cost more and are less precise",
			"boot with clocksource=tsc if the CPU has an invariant TSC")
	}
	return i
}

// coarseTick is the distance of ticks, in nanoseconds, that is wider than the histograms' finest buckets.
const coarseTick = 8

// judgeTick judges the counter of arm64 CPUs, whose frequency differs from CPU to CPU.
func judgeTick(i Item, tick float64) Item {
	if tick == 0 {
		i.Reason = "ticks every 1 to 42 ns, depending on the CPU: means are right, percentiles of short " +
			"programs are coarse"
		return i
	}
	i.Value += fmt.Sprintf(", ticks every %.3g ns", tick)
	if tick <= coarseTick {
		return i
	}
	// A bucket is at most an eighth of its readings wide.
	return i.warn(fmt.Sprintf("every reading is a multiple of %.3g ns: calls, totals and means are right, but "+
		"histograms and percentiles are coarse below %.0f ns", tick, 8*tick),
		"compare means of short programs, not their percentiles")
}

func judgePreemption(f *Facts) Item {
	i := ok("preemption", f.Preemption)
	switch f.Preemption {
	case kernel.PreemptFull, kernel.PreemptLazy, kernel.PreemptRT:
		i.Reason = "lsmprof counts calls that another task interrupts, but does not time them"
	case kernel.PreemptUnknown:
		i.Reason = "lsmprof assumes that the kernel preempts itself"
	}
	return i
}

func judgeMitigations(f *Facts) Item {
	if len(f.Mitigations) == 0 {
		return ok("mitigations", "none")
	}
	i := ok("mitigations", strings.Join(f.Mitigations, "; "))
	if kernel.Retpolines(f.Mitigations) {
		i.Reason = "retpolines make the indirect calls of every hook slower: the dispatch cost differs from " +
			"other machines"
	}
	return i
}

// judgeCalibration reports what the probes cost on this machine, and whether lsmprof would subtract it.
func judgeCalibration(f *Facts) Item {
	if f.CalibrationErr != nil {
		return ok("calibration", "failed").warn(f.CalibrationErr.Error(),
			"use --calibration off, which reports readings as they are")
	}
	i := ok("calibration", f.Calibration.String())
	switch {
	case f.Calibration.Refused != "":
		return i.warn(f.Calibration.Refused,
			"remove the cause and check again; meanwhile lsmprof reports readings as they are")
	case len(f.Calibration.Warnings) > 0:
		var texts []string
		remedy := ""
		for _, w := range f.Calibration.Warnings {
			texts = append(texts, w.Text)
			if w.Kind == profile.WarnCalibrationShared {
				remedy = "detach that program, run `lsmprof check --json -o FILE`, and pass the file " +
					"to --calibration"
			}
		}
		return i.warn(strings.Join(texts, "; "), remedy)
	}
	return i
}
