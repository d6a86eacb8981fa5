package profile

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/lsmprof/lsmprof/internal/text"
)

// Facts returns lines that say how good the numbers are: completeness, calibration, sampling, the cost of the probes.
func (s Snapshot) Facts() []string {
	facts := []string{
		"completeness: " + s.Total().completeness(),
		"calibration: " + s.Calibration.String(),
	}
	if s.Sample > 1 {
		facts = append(facts, fmt.Sprintf("sampling: 1 of %s calls, at random; calls and totals are estimates",
			text.Thousands(s.Sample)))
	}
	if s.StackSample > 0 {
		facts = append(facts, fmt.Sprintf(
			"stacks: 1 of %s calls, at random; calls and costs are divided among the sampled stacks",
			text.Thousands(s.StackSample)))
	}
	if s.Inside != nil {
		facts = append(facts, s.Inside.Fact())
	}
	if s.OwnCalls > 0 {
		facts = append(facts, fmt.Sprintf("left out: %s calls of lsmprof itself", text.Thousands(s.OwnCalls)))
	}
	if s.Calibration.Runs > 0 {
		perCall := s.Calibration.ProbeCost.Value
		if t := s.Total(); t.Timed+t.Preempted > 0 { // probes on functions cost more
			perCall = s.ProbeCost() / float64(t.Timed+t.Preempted)
		}
		facts = append(facts, fmt.Sprintf("cost of profiling: %s, %s per call",
			text.Duration(s.ProbeCost()), text.Duration(perCall)))
	}
	return facts
}

// comments are the lines that `go tool pprof -comments` prints.
func (c *Costs) comments() []string {
	s := &c.snapshot
	comments := []string{
		"lsmprof: " + s.Version,
		"command line: " + shellQuoted(s.CommandLine),
	}
	if s.Machine.Host != "" {
		comments = append(comments, "host: "+text.Printable(s.Machine.Host))
	}
	comments = append(comments,
		fmt.Sprintf("kernel: %s %s", s.Machine.Kernel, s.Machine.Arch),
		fmt.Sprintf("CPU: %d x %s", s.Machine.CPUs, s.Machine.CPU),
	)
	comments = append(comments, s.Facts()...)
	for _, w := range c.Warnings() {
		comments = append(comments, "warning: "+w.Text)
	}
	return comments
}

// shellQuoted returns a command line as one would type it. It is meant for reading, not for running.
func shellQuoted(args []string) string {
	words := make([]string, len(args))
	for i, a := range args {
		words[i] = a
		if a == "" || strings.ContainsAny(a, " \t\n\"'\\$`*?") {
			words[i] = strconv.Quote(a)
		}
	}
	return strings.Join(words, " ")
}
