package tracer

import (
	"testing"

	"github.com/lsmprof/lsmprof/profile"
)

func TestTimelineKnowsRulesBetweenEqualReadings(t *testing.T) {
	policy := func(generation string, rules int) Policies { return fakePolicies{1: {generation, rules}} }
	var line timeline
	line.add(reading{100, 110, policy("a", 8)})
	line.add(reading{200, 210, policy("a", 8)})
	line.add(reading{300, 310, policy("b", 2)})
	line.add(reading{400, 410, policy("b", 2)})
	line.add(reading{500, 510, fakePolicies{}})
	line.add(reading{600, 610, fakePolicies{}})
	const unknown = profile.RulesUnknown
	for _, c := range []struct {
		what       string
		start, end uint64
		want       int
	}{
		{"between two equal ones", 120, 180, 8},
		{"across an equal one", 120, 250, unknown}, // 300 is the first reading after it
		{"during an equal one", 150, 205, unknown}, // and after this one
		{"with an equal one in between", 115, 199, 8},
		{"around a change", 220, 230, unknown},
		{"after a change", 320, 380, 2},
		{"while it was read", 305, 380, unknown},
		{"before the first reading", 50, 60, unknown},
		{"after the last", 620, 630, unknown},
		{"released", 420, 430, unknown},
		{"without rules", 520, 530, 0},
	} {
		if got := line.rules(1, Program{}, c.start, c.end); got != c.want {
			t.Errorf("%s: %d rules, want %d", c.what, got, c.want)
		}
	}
	for i := range uint64(2 * timelineLength) {
		line.add(reading{from: 1000 + i, to: 1000 + i})
	}
	if len(line) != timelineLength {
		t.Errorf("%d readings are kept, want %d", len(line), timelineLength)
	}
}
