package cli

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/internal/vmtest"
	"github.com/lsmprof/lsmprof/profile"
)

var topBegin = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

// topMeasured is a second of `measured`, some seconds after the begin.
func topMeasured(second int) topInterval {
	s := measured()
	s.Start, s.Duration = topBegin.Add(time.Duration(second)*time.Second), time.Second
	s.Machine = profile.Machine{Kernel: "6.12.9", Arch: "amd64", CPU: "Example 3000", CPUs: 4}
	return topInterval{end: s.Start.Add(s.Duration), delta: s, self: 3 * time.Millisecond}
}

func topOf(t *testing.T, intervals ...topInterval) *topModel {
	t.Helper()
	m := newTopModel(0)
	for _, i := range intervals {
		if err := m.add(i); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

func press(m *topModel, keys ...string) {
	for _, k := range keys {
		m.key(k)
	}
}

func names(rows []topRow) (out []string) {
	for _, r := range rows {
		out = append(out, r.Name)
	}
	return out
}

func TestTopGroups(t *testing.T) {
	m := topOf(t, topMeasured(0))
	for keys, want := range map[string][]string{
		"w": {"sh?[2J", "nginx", "mntns:1"},
		"s": {"openat", "execve", "[kthread]"},
		"h": {"file_open", "capable"},
		"p": {"ref_file_open", "ref_capable"},
	} {
		press(m, keys)
		if got := names(m.rows(0)); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", keys, got, want)
		}
	}
}

func TestTopRowsAreRatesOfTheInterval(t *testing.T) {
	i := topMeasured(0)
	i.delta.Duration = 2 * time.Second
	m := topOf(t, i)
	press(m, "h")
	r := m.rows(0)[0]
	// 1101 calls of file_open: readings of 2200, 900 and 3,000,000 ns, less 158 of bias, and 156 of dispatch each.
	hook := 1000*2198. + 100*898 + 2_999_998
	if r.calls != 1101./2 || math.Abs(r.share-hook/2e9) > 1e-12 || math.Abs(r.Mean()-hook/1101) > 1e-6 {
		t.Errorf("%f calls/s, share %g, mean %f; want share %g", r.calls, r.share, r.Mean(), hook/2e9)
	}
}

func TestTopSorts(t *testing.T) {
	m := topOf(t, topMeasured(0))
	press(m, "s", "<") // calls
	if got := names(m.rows(0)); !slices.Equal(got, []string{"openat", "execve", "[kthread]"}) {
		t.Errorf("by calls: %q", got)
	}
	press(m, "r")
	if got := names(m.rows(0)); !slices.Equal(got, []string{"[kthread]", "execve", "openat"}) {
		t.Errorf("by calls, reversed: %q", got)
	}
	press(m, "r", "<", "<", "<") // the name; there is nothing further left
	if got := names(m.rows(0)); !slices.Equal(got, []string{"[kthread]", "execve", "openat"}) {
		t.Errorf("by name: %q", got)
	}
	press(m, slices.Repeat([]string{">"}, 20)...)
	if topColumns[m.sort].compare == nil {
		t.Errorf("sorted by %s, which does not sort", topColumns[m.sort].header)
	}
}

func TestTopFilters(t *testing.T) {
	m := topOf(t, topMeasured(0))
	press(m, "s", "/", "E", "x", "q", keyBackspace, keyEnter)
	if got := names(m.rows(0)); !slices.Equal(got, []string{"execve"}) {
		t.Errorf("filter %q: %q", m.filter, got)
	}
	press(m, keyEscape)
	if len(m.rows(0)) != 3 {
		t.Errorf("Esc did not drop the filter %q", m.filter)
	}
}

func TestTopPausesWhatIsShownAndGoesOnMeasuring(t *testing.T) {
	m := topOf(t, topMeasured(0))
	press(m, " ")
	later := topMeasured(1)
	later.delta.Rows = later.delta.Rows[1:2]
	m.add(later)
	if got := m.rows(0)[0].Name; got != "sh?[2J" {
		t.Errorf("paused, but shows %s", got)
	}
	press(m, " ")
	if got := m.rows(1)[0]; got.Name != "nginx" || got.history[0] < 0 {
		t.Errorf("going on, shows %s", got.Name)
	}
}

func TestTopForgets(t *testing.T) {
	m := topOf(t, topMeasured(0), topMeasured(1))
	press(m, "z")
	if rows := m.rows(5); len(rows) != 0 {
		t.Errorf("rows after a reset: %v", names(rows))
	}
	m.add(topMeasured(2))
	if h := m.rows(60)[0].history; h[59] <= 0 || h[58] >= 0 {
		t.Errorf("history after a reset: %v", h)
	}
}

func TestTopFreezesARow(t *testing.T) {
	m := topOf(t, topMeasured(0))
	press(m, keyUp, "f") // the last one
	if got := names(m.rows(0)); got[0] != "mntns:1" {
		t.Errorf("frozen row is not first: %q", got)
	}
	// It stays without calls, and whatever the filter is.
	m.add(topInterval{end: topBegin.Add(time.Hour), delta: profile.Snapshot{Duration: time.Second}})
	press(m, "/", "x", "y", "z", keyEnter)
	if got := names(m.rows(0)); !slices.Equal(got, []string{"mntns:1"}) {
		t.Errorf("%q", got)
	}
	press(m, "f")
	if got := m.rows(0); len(got) != 0 {
		t.Errorf("let go, but shows %q", names(got))
	}
}

func TestTopRemembersAMinute(t *testing.T) {
	m := newTopModel(0)
	for s := range 100 {
		m.add(topMeasured(s))
	}
	if n := len(m.live.history); n != 60 {
		t.Errorf("%d seconds are remembered", n)
	}
	for _, v := range m.rows(20)[0].history {
		if math.Abs(v-m.rows(20)[0].share) > 1e-12 {
			t.Fatalf("steady load, history %v", m.rows(20)[0].history)
		}
	}
}

func TestTopKeepsRowsOfTheLastMinute(t *testing.T) {
	m := topOf(t, topMeasured(0), topInterval{end: topBegin.Add(30 * time.Second), delta: profile.Snapshot{Duration: time.Second}})
	if got := m.rows(0); len(got) != 3 || got[0].calls != 0 {
		t.Errorf("%q", names(got))
	}
	m.add(topInterval{end: topBegin.Add(61 * time.Second), delta: profile.Snapshot{Duration: time.Second}})
	if got := m.rows(0); len(got) != 0 {
		t.Errorf("after a minute: %q", names(got))
	}
}

func TestTopQuits(t *testing.T) {
	m := newTopModel(0)
	if m.key("q") || m.key(keyCtrlC) {
		t.Error("q or Ctrl-C does not quit")
	}
	press(m, "/")
	if !m.key("q") || m.filter != "q" || m.key(keyCtrlC) {
		t.Errorf("while typing: filter %q", m.filter)
	}
}

func TestSparkline(t *testing.T) {
	for want, values := range map[string][]float64{
		"":     nil,
		"  ▁█": {-1, -1, 0, 3},
		"▂▅█▁": {0.001, 0.5, 1, 0},
		"▁▁":   {0, 0},
	} {
		if got := sparkline(values); got != want {
			t.Errorf("%v: %q, want %q", values, got, want)
		}
	}
}

func TestRuleRange(t *testing.T) {
	for want, counts := range map[string][]int{
		"-": nil, "8": {8}, "?": {profile.RulesUnknown}, "8?": {profile.RulesUnknown, 8}, "0-16": {0, 4, 16},
	} {
		if got := ruleRange(counts); got != want {
			t.Errorf("%v: %s, want %s", counts, got, want)
		}
	}
}

func TestTopSurvivesAnyKeysAndSizes(t *testing.T) {
	vmtest.OnOneKernel(t)
	m := topOf(t, topMeasured(0))
	keys := append(strings.Split("wshp<>r/?fz j k\x00é", ""), keyTab, keyUp, keyDown, keyEnter, keyEscape, keyBackspace, keyLeft, keyRight)
	for i := range 3000 {
		m.key(keys[i*i%len(keys)])
		width, height := i%130, i*7%40
		if i%10 == 0 {
			m.add(topMeasured(i / 10))
		}
		frame := m.frame(width, height)
		if len(frame) != max(1, height) {
			t.Fatalf("%d lines in a frame of %d", len(frame), height)
		}
		for _, line := range frame {
			if n := len([]rune(line.text)); n > width {
				t.Fatalf("a line of %d characters in a frame of %d: %q", n, width, line.text)
			}
		}
	}
}
