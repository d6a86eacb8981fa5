package score

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// ParseOutput parses what one of UnixBench's programs wrote to stderr. elapsed is the duration of the whole run, for
// the programs that do not measure their own.
//
// If a program prints COUNT several times, the last one counts, as for UnixBench: the file copies report write, read
// and copy, and context1's parent and child both report. What UnixBench takes for a score of 1.0 is an error here.
func ParseOutput(stderr string, elapsed time.Duration) (Pass, error) {
	p := Pass{Time: elapsed.Seconds()}
	counted := false
	for line := range strings.Lines(stderr) {
		line = strings.TrimRight(line, "\r\n")
		if strings.TrimSpace(line) == "" {
			continue
		}
		fields := strings.Split(line, "|")
		var err error
		switch {
		case fields[0] == "COUNT" && len(fields) == 4:
			counted = true
			p.Count, p.Timebase, p.Unit, err = parseCount(fields)
		case fields[0] == "TIME" && len(fields) == 2:
			p.Time, err = parsePositive(fields[1])
		default:
			return Pass{}, fmt.Errorf("unexpected output: %.200q; run the program by hand to see why", line)
		}
		if err != nil {
			return Pass{}, fmt.Errorf("%.200q: %w; is this a program of UnixBench 5.1.3 or 6?", line, err)
		}
	}
	if !counted {
		return Pass{}, fmt.Errorf("no COUNT line: the program did not finish; run it by hand to see why")
	}
	if p.Time <= 0 {
		return Pass{}, fmt.Errorf("the run took no time; run it for at least a second")
	}
	if value := p.Value(); math.IsInf(value, 0) {
		return Pass{}, fmt.Errorf("COUNT %g in %g s is out of range; is this a program of UnixBench?", p.Count,
			p.Time)
	}
	return p, nil
}

func parseCount(fields []string) (count, timebase float64, unit string, err error) {
	if count, err = parsePositive(fields[1]); err != nil {
		return 0, 0, "", err
	}
	if timebase, err = strconv.ParseFloat(fields[2], 64); err != nil || !(timebase >= 0) ||
		math.IsInf(timebase, 0) {
		return 0, 0, "", fmt.Errorf("timebase %q is not a number of seconds", fields[2])
	}
	if !knownUnit(fields[3]) {
		return 0, 0, "", fmt.Errorf("unit %q is unknown", fields[3])
	}
	return count, timebase, fields[3], nil
}

// parsePositive refuses 0, too: UnixBench would turn it into a score of 1.0.
func parsePositive(s string) (float64, error) {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || !(v > 0) || math.IsInf(v, 0) {
		return 0, fmt.Errorf("%q is not a positive number", s)
	}
	return v, nil
}

func knownUnit(unit string) bool {
	switch unit {
	case "lps", "lpm", "KBps", "MWIPS", "fps", "score":
		return true
	}
	return false
}
