package top_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/internal/top"
	"github.com/lsmprof/lsmprof/profile"
)

var begin = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

// costRow is a row of calls that all had the same reading in ns.
func costRow(program int, syscall, comm string, rules, calls int, reading uint64) profile.Row {
	w := profile.Workload{MntNS: 1, Comm: comm}
	r := profile.Row{Program: program, Syscall: syscall, Workload: w, Rules: rules}
	for range calls {
		r.Readings.Add(reading)
		r.Sum += reading
	}
	return r
}

// measured is a second that begins the given number of seconds after begin.
func measured(second int) top.Interval {
	s := profile.Snapshot{
		Start: begin.Add(time.Duration(second) * time.Second), Duration: time.Second,
		Machine: profile.Machine{Kernel: "6.12.9", Arch: "amd64", CPU: "Example 3000", CPUs: 4},
		Calibration: profile.Calibration{
			Runs:      9,
			Bias:      profile.Median{Value: 158, Spread: 2},
			Dispatch:  profile.Median{Value: 156, Spread: 3},
			ProbeCost: profile.Median{Value: 420, Spread: 8},
		},
		Programs: []profile.Program{
			{Name: "ref_file_open", Hook: "file_open", Enforcer: "reference", Timed: 1101},
			{Name: "ref_capable", Hook: "capable", Enforcer: "reference", Timed: 3},
		},
		Rows: []profile.Row{
			costRow(0, "openat", "nginx", 8, 1000, 2200),
			costRow(0, "execve", "nginx", profile.RulesUnknown, 100, 900),
			costRow(0, "openat", "sh\x1b[2J", 0, 1, 3_000_000),
			costRow(1, "[kthread]", "", 0, 3, 200),
		},
		Warnings: []profile.Warning{{Text: "something to know"}},
	}
	return top.Interval{End: s.Start.Add(s.Duration), Delta: s, Self: 3 * time.Millisecond}
}

// quiet is a second without calls.
func quiet(second int) top.Interval {
	end := begin.Add(time.Duration(second) * time.Second)
	return top.Interval{End: end, Delta: profile.Snapshot{Duration: time.Second}}
}

func modelOf(t *testing.T, intervals ...top.Interval) *top.Model {
	t.Helper()
	m := top.New(0, time.Second)
	add(t, m, intervals...)
	return m
}

func add(t *testing.T, m *top.Model, intervals ...top.Interval) {
	t.Helper()
	for _, i := range intervals {
		if err := m.Add(i); err != nil {
			t.Fatal(err)
		}
	}
}

func press(m *top.Model, keys ...string) {
	for _, k := range keys {
		m.Key(k)
	}
}

// cells returns the cells of each row of a wide frame, without the history.
func cells(m *top.Model) (rows [][]string) {
	lines := m.Frame(160, 60)
	header := slices.IndexFunc(lines, func(l top.Line) bool { return l.Style == top.Header })
	for _, line := range lines[header+1:] {
		if line.Text == "" || !strings.ContainsAny(line.Text, "▁▂▃▄▅▆▇█-") {
			break
		}
		rows = append(rows, strings.Fields(strings.TrimLeft(line.Text, "* ")))
	}
	return rows
}

func names(m *top.Model) (out []string) {
	for _, row := range cells(m) {
		out = append(out, row[0])
	}
	return out
}

func wantNames(t *testing.T, what string, m *top.Model, want ...string) {
	t.Helper()
	if got := names(m); !slices.Equal(got, want) {
		t.Errorf("%s: rows %q, want %q", what, got, want)
	}
}

// history returns the sparkline of the first row of a wide frame.
func history(m *top.Model) string {
	lines := m.Frame(160, 60)
	header := slices.IndexFunc(lines, func(l top.Line) bool { return l.Style == top.Header })
	line := []rune(lines[header+1].Text)
	if at := strings.Index(lines[header].Text, "LAST MINUTE"); at >= 0 {
		at = len([]rune(lines[header].Text[:at]))
		return string(line[min(at, len(line)):])
	}
	return ""
}

func TestGroupings(t *testing.T) {
	m := modelOf(t, measured(0))
	for key, want := range map[string][]string{
		"w": {"sh?[2J", "nginx", "mntns:1"},
		"s": {"openat", "execve", "[kthread]"},
		"h": {"file_open", "capable"},
		"p": {"ref_file_open", "ref_capable"},
		"e": {"reference"},
	} {
		press(m, key)
		wantNames(t, key, m, want...)
	}
}

func TestRowsAreRatesOfTheInterval(t *testing.T) {
	i := measured(0)
	i.Delta.Duration = 2 * time.Second
	m := modelOf(t, i)
	press(m, "h")
	// 1101 calls of file_open: readings of 2200, 900 and 3,000,000 ns, less 158 of bias, and
	// 156 of dispatch each. That is 5.29 ms in 2 s.
	want := []string{"file_open", "551", "0.26", "%", "4.80", "µs"}
	if got := cells(m)[0][:len(want)]; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestSort(t *testing.T) {
	m := modelOf(t, measured(0))
	press(m, "s", "<") // calls
	wantNames(t, "by calls", m, "openat", "execve", "[kthread]")
	press(m, "r")
	wantNames(t, "by calls, reversed", m, "[kthread]", "execve", "openat")
	press(m, "r", "<", "<", "<") // the name; nothing is further left
	wantNames(t, "by name", m, "[kthread]", "execve", "openat")
	press(m, slices.Repeat([]string{">"}, 20)...)
	if frame := string(draft(m, 160, 20)); !strings.Contains(frame, "sorted by DENIED/S") {
		t.Errorf("the last column that sorts is not DENIED/S:\n%s", frame)
	}
}

func TestFilter(t *testing.T) {
	m := modelOf(t, measured(0))
	press(m, "s", "/", "E", "x", "q", top.KeyBackspace, top.KeyEnter)
	wantNames(t, "filter", m, "execve")
	press(m, top.KeyEscape)
	if got := names(m); len(got) != 3 {
		t.Errorf("Esc does not remove the filter: %q", got)
	}
}

func TestEnterDescendsAndEscReturns(t *testing.T) {
	m := modelOf(t, measured(0), measured(1))
	press(m, top.KeyDown, "j", top.KeyEnter) // nginx
	wantNames(t, "syscalls of nginx", m, "openat", "execve")
	if h := history(m); h != strings.Repeat(" ", 19)+"█" {
		t.Errorf("history of a syscall of nginx: %q", h)
	}
	press(m, top.KeyDown, top.KeyEnter)
	wantNames(t, "hooks of openat in nginx", m, "file_open")
	if got := cells(m)[0]; got[1] != "1,000" {
		t.Errorf("%q: want the 1,000 calls of nginx in openat alone", got)
	}
	press(m, top.KeyDown, top.KeyEnter)
	wantNames(t, "programs", m, "ref_file_open")
	press(m, top.KeyDown, top.KeyEnter)
	wantNames(t, "nothing is below a program", m, "ref_file_open")
	if state := m.Frame(120, 20)[3].Text; !strings.HasPrefix(state, "nginx > openat > file_open > by program") {
		t.Errorf("state line %q", state)
	}
	press(m, top.KeyBackspace, top.KeyEscape, top.KeyEscape, top.KeyEscape)
	wantNames(t, "back at the top", m, "sh?[2J", "nginx", "mntns:1")
	press(m, top.KeyEnter)
	wantNames(t, "the row descended from is selected again", m, "openat", "execve")
}

func TestDescentFromAHook(t *testing.T) {
	m := modelOf(t, measured(0))
	press(m, "h", top.KeyDown, top.KeyEnter)
	wantNames(t, "programs of file_open", m, "ref_file_open")
	press(m, top.KeyDown, top.KeyEnter)
	wantNames(t, "workloads of the program", m, "sh?[2J", "nginx")
	press(m, "s")
	wantNames(t, "its syscalls", m, "openat", "execve")
}

func TestDescentFromAnEnforcer(t *testing.T) {
	m := modelOf(t, measured(0))
	press(m, "e", top.KeyDown, top.KeyEnter)
	wantNames(t, "workloads of the enforcer", m, "sh?[2J", "nginx", "mntns:1")
	press(m, top.KeyEscape, top.KeyTab)
	wantNames(t, "pods", m, "(no") // "(no pod)": names ends at a blank
	press(m, top.KeyTab)
	wantNames(t, "numbers of rules", m, "0", "8", "?")
	if frame := string(draft(m, 160, 20)); strings.Count(frame, "RULES") != 1 {
		t.Errorf("two columns with rules:\n%s", frame)
	}
	press(m, top.KeyTab)
	wantNames(t, "back to workloads", m, "sh?[2J", "nginx", "mntns:1")
}

func TestInterval(t *testing.T) {
	for answer, want := range map[string]time.Duration{
		"2": 2 * time.Second, "0.5": 500 * time.Millisecond, "0.01": top.MinInterval, "x3": 3 * time.Second,
		"": time.Second, "0": time.Second, "1.2.3": time.Second, "99999": time.Second,
	} {
		m := top.New(0, time.Second)
		press(m, append(append([]string{"d"}, strings.Split(answer, "")...), top.KeyEnter)...)
		if got := m.Interval(); got != want {
			t.Errorf("%q: %v, want %v", answer, got, want)
		}
	}
	m := top.New(0, time.Second)
	press(m, "d", "5", top.KeyEscape)
	if m.Interval() != time.Second {
		t.Errorf("Esc set the interval to %v", m.Interval())
	}
}

func TestPauseHoldsTheFrameAndGoesOnMeasuring(t *testing.T) {
	m := modelOf(t, measured(0))
	press(m, " ")
	later := measured(1)
	later.Delta.Rows = later.Delta.Rows[1:2]
	add(t, m, later)
	wantNames(t, "paused", m, "sh?[2J", "nginx", "mntns:1")
	press(m, " ")
	if got := names(m)[0]; got != "nginx" {
		t.Errorf("continued, but shows %s first", got)
	}
}

func TestResetForgets(t *testing.T) {
	m := modelOf(t, measured(0), measured(1))
	press(m, "z")
	wantNames(t, "after a reset", m)
	add(t, m, measured(2))
	if got, want := history(m), strings.Repeat(" ", 19)+"█"; got != want {
		t.Errorf("history after a reset %q, want %q", got, want)
	}
}

func TestFrozenRowStaysOnTop(t *testing.T) {
	m := modelOf(t, measured(0))
	press(m, top.KeyUp, "f") // the last one
	wantNames(t, "frozen", m, "mntns:1", "sh?[2J", "nginx")
	// It stays without calls, and whatever the filter is.
	add(t, m, quiet(3600))
	press(m, "/", "x", "y", "z", top.KeyEnter)
	wantNames(t, "frozen, without calls", m, "mntns:1")
	press(m, "f")
	wantNames(t, "released", m)
}

func TestHistoryIsOneMinute(t *testing.T) {
	m := top.New(0, time.Second)
	for s := range 100 {
		add(t, m, measured(s))
	}
	if got := history(m); got != strings.Repeat("█", 20) {
		t.Errorf("a steady load has the history %q", got)
	}
	for s := 101; s <= 130; s++ {
		add(t, m, quiet(s))
	}
	if got, want := history(m), strings.Repeat("█", 10)+strings.Repeat("▁", 10); got != want {
		t.Errorf("a load that ended half a minute ago has the history %q, want %q", got, want)
	}
}

func TestRowsOfTheLastMinuteStay(t *testing.T) {
	m := modelOf(t, measured(0), quiet(30))
	if got := cells(m); len(got) != 3 || got[0][1] != "0" {
		t.Errorf("%q", got)
	}
	add(t, m, quiet(61))
	wantNames(t, "after a minute", m)
}

func TestQuit(t *testing.T) {
	m := top.New(0, time.Second)
	if m.Key("q") || m.Key(top.KeyCtrlC) {
		t.Error("q or Ctrl-C does not quit")
	}
	press(m, "/")
	if !m.Key("q") || m.Key(top.KeyCtrlC) {
		t.Error("while typing, q quits or Ctrl-C does not")
	}
}

func TestRulesOfSeveralRows(t *testing.T) {
	for want, counts := range map[string][]int{
		"?": {profile.RulesUnknown}, "8?": {profile.RulesUnknown, 8}, "8": {8}, "0-16": {0, 4, 16},
	} {
		i := measured(0)
		i.Delta.Rows = nil
		for _, n := range counts {
			i.Delta.Rows = append(i.Delta.Rows, costRow(0, "openat", "sh", n, 1, 1000))
		}
		row := cells(modelOf(t, i))[0]
		if got := row[len(row)-3]; got != want {
			t.Errorf("%v: %s, want %s; row %q", counts, got, want, row)
		}
	}
}

func TestAnyKeysAndSizes(t *testing.T) {
	m := modelOf(t, measured(0))
	keys := append(strings.Split("wshp<>r/?fzd1 j k\x00é", ""), top.KeyTab, top.KeyUp, top.KeyDown, top.KeyEnter,
		top.KeyEscape, top.KeyBackspace, top.KeyLeft, top.KeyRight)
	for i := range 3000 {
		m.Key(keys[i*i%len(keys)])
		width, height := i%130, i*7%40
		if i%10 == 0 {
			add(t, m, measured(i/10))
		}
		frame := m.Frame(width, height)
		if len(frame) != max(1, height) {
			t.Fatalf("%d lines in a frame of %d", len(frame), height)
		}
		for _, line := range frame {
			if n := len([]rune(line.Text)); n > width {
				t.Fatalf("a line of %d characters in a frame of %d: %q", n, width, line.Text)
			}
		}
	}
}
