package top_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/internal/golden"
	"github.com/lsmprof/lsmprof/internal/top"
	"github.com/lsmprof/lsmprof/profile"
)

// draft is a frame as text, with the style of each line in front of it.
func draft(m *top.Model, width, height int) []byte {
	var b bytes.Buffer
	marks := map[top.Style]string{
		top.Plain: " ", top.Header: "h", top.Selected: "s", top.Frozen: "f", top.Alert: "!",
	}
	for _, line := range m.Frame(width, height) {
		fmt.Fprintln(&b, strings.TrimRight(marks[line.Style]+"|"+line.Text, " "))
	}
	return b.Bytes()
}

func TestFrames(t *testing.T) {
	load := func(t *testing.T) *top.Model {
		m := top.New(0, time.Second)
		for s := range 45 {
			i := measured(s)
			i.Delta.Rows = append([]profile.Row{}, i.Delta.Rows...)
			i.Delta.Rows[1] = costRow(0, "execve", "nginx", 4, 1+s*s, 900)
			i.Delta.Rows[0].Denials = 17
			if s > 20 {
				i.Delta.Rows = i.Delta.Rows[:3]
			}
			add(t, m, i)
		}
		return m
	}
	for _, c := range []struct {
		name          string
		width, height int
		keys          []string
	}{
		{"wide", 140, 14, nil},
		{"80", 80, 14, nil},
		{"60", 60, 14, nil},
		{"40", 40, 14, nil},
		{"20", 20, 12, nil},
		{"low", 80, 6, nil},
		{"help", 80, 26, []string{"?"}},
		{"typing", 80, 12, []string{"s", "/", "o", "p"}},
		{"interval", 80, 12, []string{"d", "2", ".", "5"}},
		{"descended", 100, 12, []string{top.KeyDown, top.KeyDown, top.KeyEnter}},
		{"no_match", 80, 12, []string{"/", "x", "x"}},
		{"paused_frozen_selected", 100, 14, []string{top.KeyDown, "j", "f", "k", " ", ">", "r"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := load(t)
			press(m, c.keys...)
			golden.Equal(t, c.name+".txt", draft(m, c.width, c.height))
		})
	}
}

// l shows the lines of the selected program as far as they were sampled since, and why they cannot be.
func TestLinesOfTheSelectedProgram(t *testing.T) {
	m := modelOf(t, measured(0))
	press(m, "p", top.KeyDown, "l")
	if !m.WantsLines() {
		t.Fatal("l does not show lines")
	}
	golden.Equal(t, "lines_begin.txt", draft(m, 100, 12))
	i := measured(1)
	i.Inside = sampled(i.Delta)
	add(t, m, i)
	golden.Equal(t, "lines.txt", draft(m, 100, 14))
	press(m, "l", top.KeyDown, "l") // the other program
	add(t, m, i)
	golden.Equal(t, "lines_of_none.txt", draft(m, 100, 12))
	m.NoLines(errors.New("open a perf event: permission denied"))
	golden.Equal(t, "lines_refused.txt", draft(m, 100, 12))
	if press(m, top.KeyEscape); m.WantsLines() {
		t.Error("Esc does not lead back to the rows")
	}
}

// sampled adds samples of ref_file_open.
func sampled(s profile.Snapshot) profile.Snapshot {
	const program, file = "ref_file_open", "src/enforcer.bpf.c"
	line := func(n int) profile.Code {
		return profile.Code{Program: program, Function: program, File: file, Line: n}
	}
	hash := profile.Code{Function: "jhash", Module: "[kernel]"}
	s.Rows = append([]profile.Row{}, s.Rows...)
	s.Rows[0].Paths = []profile.Path{
		{Program: program, Code: []profile.Code{hash, line(84)}, Count: 80},
		{Program: program, Code: []profile.Code{line(84)}, Count: 40},
		{Program: program, Code: []profile.Code{line(91)}, Count: 30},
	}
	s.Inside = &profile.Inside{Event: "cpu-clock", Hz: 997, Samples: 150, Programs: []profile.Source{{
		Program: program, Lines: []profile.SourceLine{
			{File: file, Line: 84, Text: "\trule = bpf_map_lookup_elem(rules, &key);"},
			{File: file, Line: 91, Text: "\treturn rule->action == REF_DENY;"},
		},
	}}}
	return s
}

func TestIncompleteFrameAlerts(t *testing.T) {
	i := measured(0)
	i.Delta.Programs[0].Missed = 900
	i.Delta.Calibration, i.Delta.Sample = profile.Calibration{}, 64
	golden.Equal(t, "incomplete.txt", draft(modelOf(t, i), 100, 12))
}

func TestSelectedRowIsOnTheScreen(t *testing.T) {
	i := measured(0)
	for n := range 30 {
		i.Delta.Rows = append(i.Delta.Rows, costRow(0, fmt.Sprintf("syscall_%02d", n), "sh", 0, 10, 500))
	}
	i.Delta.Programs[0].Timed += 300
	m := modelOf(t, i)
	press(m, "s")
	for n := range 25 {
		press(m, top.KeyDown)
		if frame := draft(m, 80, 12); !bytes.Contains(frame, []byte("\ns|")) {
			t.Fatalf("row %d is selected and not on the screen:\n%s", n, frame)
		}
	}
}

func TestPrint(t *testing.T) {
	m := modelOf(t, measured(0))
	var text, object bytes.Buffer
	if err := m.WriteText(&text, 2); err != nil {
		t.Fatal(err)
	}
	if err := m.WriteJSON(&object); err != nil {
		t.Fatal(err)
	}
	golden.Equal(t, "print.txt", text.Bytes())
	golden.Equal(t, "print.json", object.Bytes())
	if n := bytes.Count(object.Bytes(), []byte("\n")); n != 1 {
		t.Errorf("an object of %d lines, want 1", n)
	}
}

func TestEmptyInterval(t *testing.T) {
	m := modelOf(t, quiet(0))
	golden.Equal(t, "nothing.txt", draft(m, 80, 12))
	var b bytes.Buffer
	if err := m.WriteJSON(&b); err != nil || !strings.Contains(b.String(), `"rows":[]`) {
		t.Errorf("%v: %s", err, b.String())
	}
}
