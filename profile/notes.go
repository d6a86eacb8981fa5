package profile

import (
	"fmt"
	"strconv"
	"strings"
)

const bareReadings = "times are the probes' readings, which contain the probes' own cost and lack the dispatch"

// AllWarnings are the snapshot's own warnings and those that follow from its numbers: everything that a reader must know before
// trusting them.
func (s Snapshot) AllWarnings() []Warning {
	warnings := append([]Warning{}, s.Warnings...)
	warnings = append(warnings, s.Calibration.Warnings...)
	warn := func(kind WarningKind, format string, args ...any) {
		warnings = append(warnings, Warning{kind, fmt.Sprintf(format, args...)})
	}
	switch c := s.Calibration; {
	case c.Runs == 0:
		warn(WarnNotCalibrated, "not calibrated: "+bareReadings)
	case c.Refused != "":
		warn(WarnCalibration, "calibration refused: %s; %s", c.Refused, bareReadings)
	}
	costs, err := s.Costs()
	if err != nil {
		warn("", "%v", err)
		return warnings
	}
	if costs.Clamped > 0 {
		warn("", "%d of %d rows read less than the bias: their body counts as 0", costs.Clamped, len(costs.Rows))
	}
	if costs.Untimed > 0 {
		warn("", "%d calls are in rows without a single time: they are charged only their dispatch", costs.Untimed)
	}
	unplaced := s.unplaced()
	for i, p := range s.Programs {
		if p.Completeness() < 99 {
			warn("", "%s: %s", p.Label(), completeness(p))
		}
		if n := unplaced[i]; n > 0 {
			warn(WarnCountersFull, "%s: %d of %d invocations are under %s, for want of counters for their workload and syscall",
				p.Label(), n, p.Calls(), Other)
		}
	}
	return warnings
}

// unplaced is how many invocations of each program found no counter of their own.
func (s Snapshot) unplaced() []uint64 {
	n := make([]uint64, len(s.Programs))
	for i := range s.Rows {
		if r := &s.Rows[i]; r.Syscall == Other {
			n[r.Program] += r.Readings.Count() + r.Preempted
		}
	}
	return n
}

// Label names a program, or the hook where its programs cannot be told apart.
func (p Program) Label() string {
	if p.Scope == ScopeHook {
		return "lsm/" + p.Hook
	}
	return p.Name
}

// Facts are the lines that say where the numbers come from and how good they are.
func (s Snapshot) Facts() []string {
	facts := []string{
		"completeness: " + completeness(s.Total()),
		"calibration: " + s.Calibration.String(),
	}
	if s.Sample > 1 {
		facts = append(facts, fmt.Sprintf("sampled: 1 of %d invocations, at random; calls and totals are estimates", s.Sample))
	}
	if s.StackSample > 0 {
		facts = append(facts, fmt.Sprintf("stacks: of 1 of %d invocations, at random; counts and costs are divided among the stacks as they were sampled", s.StackSample))
	}
	if s.Calibration.Runs > 0 {
		facts = append(facts, fmt.Sprintf("profiling itself cost: %.3f ms (%.0f ns an invocation)", s.ProbeCost()/1e6, s.Calibration.ProbeCost.Value))
	}
	return facts
}

// comments are everything around the samples, for `go tool pprof -comments`.
func (s Snapshot) comments() []string {
	comments := []string{
		"lsmprof: " + s.Version,
		"command line: " + quoted(s.CommandLine),
		fmt.Sprintf("kernel: %s %s", s.Machine.Kernel, s.Machine.Arch),
		fmt.Sprintf("CPU: %d x %s", s.Machine.CPUs, s.Machine.CPU),
	}
	comments = append(comments, s.Facts()...)
	for _, w := range s.AllWarnings() {
		comments = append(comments, "warning: "+w.Text)
	}
	return comments
}

func completeness(p Program) string {
	return fmt.Sprintf("%.2f %% of %d invocations timed, %d preempted, %d missed", p.Completeness(), p.Calls(), p.Preempted, p.Missed)
}

// quoted is a command line as a shell would take it, near enough to read.
func quoted(args []string) string {
	words := make([]string, len(args))
	for i, a := range args {
		words[i] = a
		if a == "" || strings.ContainsAny(a, " \t\n\"'\\$`*?") {
			words[i] = strconv.Quote(a)
		}
	}
	return strings.Join(words, " ")
}
