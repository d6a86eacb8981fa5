package profile

import (
	"fmt"

	"github.com/lsmprof/lsmprof/internal/text"
)

// Warning is something that a reader must know before trusting the numbers of a [Snapshot]. Its text says what is wrong
// and names no flag of any program; Kind lets a caller add advice of its own. In JSON a Warning is its text.
type Warning struct {
	Kind WarningKind
	Text string
	// Memory for counters, in MiB, would have avoided WarnCountersFull.
	Memory int
}

// WarningKind says what a [Warning] is about.
type WarningKind string

// The kinds of warnings that a caller can give advice about. All others are the empty kind.
const (
	WarnNotCalibrated     WarningKind = "not-calibrated"     // times are readings
	WarnCalibration       WarningKind = "calibration"        // rough or refused
	WarnCalibrationShared WarningKind = "calibration-shared" // another program was on the calibration hook
	WarnCountersFull      WarningKind = "counters-full"      // calls were charged to SyscallOverflow
	WarnStacksLost        WarningKind = "stacks-lost"        // sampled stacks were lost
)

// String returns the text.
func (w Warning) String() string { return w.Text }

// MarshalText returns the text, without the kind.
func (w Warning) MarshalText() ([]byte, error) { return []byte(w.Text), nil }

// UnmarshalText sets the text; the kind is not in it.
func (w *Warning) UnmarshalText(text []byte) error {
	w.Text = string(text)
	return nil
}

const bareReadings = "times are the probes' readings: they contain the probes' own cost and lack the dispatch"

// Warnings returns everything that a reader must know before trusting the costs: the snapshot's own warnings, those of
// its calibration, and those that follow from its numbers.
func (c *Costs) Warnings() []Warning {
	s := &c.snapshot
	warnings := append([]Warning{}, s.Warnings...)
	warnings = append(warnings, s.Calibration.warningsAbout(s.Programs)...)
	warn := func(kind WarningKind, format string, args ...any) {
		warnings = append(warnings, Warning{Kind: kind, Text: fmt.Sprintf(format, args...)})
	}
	switch cal := &s.Calibration; {
	case cal.Runs == 0:
		warn(WarnNotCalibrated, "not calibrated: "+bareReadings)
	case cal.Refused != "":
		warn(WarnCalibration, "calibration refused: %s; %s", cal.Refused, bareReadings)
	}
	if c.Clamped > 0 {
		warn("", "%s of %s rows read less than the bias: their body counts as 0", text.Thousands(c.Clamped),
			text.Thousands(len(c.Rows)))
	}
	if c.Untimed > 0 {
		warn("", "%s calls are in rows without a single time: only their dispatch is charged",
			text.Thousands(c.Untimed))
	}
	if u := s.Unprobed.String(); u != "" {
		warn("", "%s", u)
	}
	overflow := c.overflow()
	for i, p := range s.Programs {
		if p.Completeness() < 99 {
			warn("", "%s: %s", p.Label(), p.completeness())
		}
		if n := overflow[i]; n > 0 {
			warn(WarnCountersFull, "%s: %s of %s calls are charged to %s, because no counter was free: "+
				"their workload, syscall and number of rules are lost",
				p.Label(), text.Thousands(n), text.Thousands(p.Calls()), SyscallOverflow)
			warnings[len(warnings)-1].Memory = s.EnoughMemory >> 20
		}
	}
	return warnings
}

// overflow returns how many calls of each program found no free counter.
func (c *Costs) overflow() []uint64 {
	n := make([]uint64, len(c.snapshot.Programs))
	for i := range c.Rows {
		if r := &c.Rows[i].Row; r.Syscall == SyscallOverflow && r.Program < len(n) {
			n[r.Program] += r.Readings.Count() + r.Preempted
		}
	}
	return n
}
