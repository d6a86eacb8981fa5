package tracer

import (
	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/profile"
)

// reading is one reading of the rules, taken between from and to, CLOCK_MONOTONIC in ns.
type reading struct {
	from, to uint64
	policies Policies
}

// timeline holds the latest readings, oldest first.
type timeline []reading

// timelineLength bounds a timeline. An event that is read more polls after it happened has an unknown number of rules.
const timelineLength = 64

func (t *timeline) add(r reading) {
	if *t = append(*t, r); len(*t) > timelineLength {
		*t = (*t)[1:]
	}
}

// rules returns the number of rules that were in force from start to end, or RulesUnknown: the last reading before, the
// first one after, and those in between have to agree.
func (t timeline) rules(mntns uint32, program Program, start, end uint64) int {
	first, last := -1, -1
	for i, r := range t {
		if r.to <= start {
			first = i
		}
		if r.from >= end {
			last = i
			break
		}
	}
	if first < 0 || last < 0 {
		return profile.RulesUnknown
	}
	now := t[last].policies
	for _, r := range t[first:last] {
		if r.policies.Generation(mntns) != now.Generation(mntns) {
			return profile.RulesUnknown
		}
	}
	return now.Rules(mntns, program)
}

// monotonic returns the time of the clock that the probes read, in ns.
func monotonic() uint64 {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) != nil {
		return 0
	}
	return uint64(ts.Nano())
}
