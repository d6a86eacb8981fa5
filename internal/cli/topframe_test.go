package cli

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/internal/golden"
	"github.com/lsmprof/lsmprof/profile"
)

// draft is a frame as text: the style of each line stands in front of it.
func draft(m *topModel, width, height int) []byte {
	var b bytes.Buffer
	marks := map[frameStyle]string{plainLine: " ", headerLine: "h", selectedLine: "s", frozenLine: "f", alertLine: "!"}
	for _, line := range m.frame(width, height) {
		fmt.Fprintln(&b, strings.TrimRight(marks[line.style]+"|"+line.text, " "))
	}
	return b.Bytes()
}

func TestTopFrames(t *testing.T) {
	load := func(t *testing.T) *topModel {
		m := newTopModel(0)
		for s := range 45 {
			i := topMeasured(s)
			i.delta.Rows = append([]profile.Row{}, i.delta.Rows...)
			i.delta.Rows[1] = costRow(0, "execve", "nginx", 4, 1+s*s, 900)
			i.delta.Rows[0].Denials = 17
			if s > 20 {
				i.delta.Rows = i.delta.Rows[:3]
			}
			if err := m.add(i); err != nil {
				t.Fatal(err)
			}
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
		{"help", 80, 24, []string{"?"}},
		{"typing", 80, 12, []string{"s", "/", "o", "p"}},
		{"no_match", 80, 12, []string{"/", "x", "x"}},
		{"paused_frozen_selected", 100, 14, []string{keyDown, "j", "f", "k", " ", ">", "r"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := load(t)
			press(m, c.keys...)
			golden.Equal(t, "top_"+c.name+".txt", draft(m, c.width, c.height))
		})
	}
}

func TestTopFrameWarns(t *testing.T) {
	i := topMeasured(0)
	i.delta.Programs[0].Missed = 900
	i.delta.Calibration, i.delta.Sample = profile.Calibration{}, 64
	golden.Equal(t, "top_incomplete.txt", draft(topOf(t, i), 100, 12))
}

func TestTopScrollsToTheSelectedRow(t *testing.T) {
	i := topMeasured(0)
	for n := range 30 {
		i.delta.Rows = append(i.delta.Rows, costRow(0, fmt.Sprintf("syscall_%02d", n), "sh", 0, 10, 500))
	}
	i.delta.Programs[0].Timed += 300
	m := topOf(t, i)
	press(m, "s")
	for range 25 {
		press(m, keyDown)
		if !strings.Contains(string(draft(m, 80, 12)), "s| "+m.selected) {
			t.Fatalf("%s is selected and not on the screen:\n%s", m.selected, draft(m, 80, 12))
		}
	}
}

func TestTopPrints(t *testing.T) {
	m := topOf(t, topMeasured(0))
	var text, object bytes.Buffer
	if err := m.writeText(&text, 2); err != nil {
		t.Fatal(err)
	}
	if err := m.writeJSON(&object); err != nil {
		t.Fatal(err)
	}
	golden.Equal(t, "top_print.txt", text.Bytes())
	golden.Equal(t, "top_print.json", object.Bytes())
	if n := bytes.Count(object.Bytes(), []byte("\n")); n != 1 {
		t.Errorf("an object of %d lines", n)
	}
}

func TestTopOfNothing(t *testing.T) {
	m := topOf(t, topInterval{end: topBegin, delta: profile.Snapshot{Duration: time.Second}})
	golden.Equal(t, "top_nothing.txt", draft(m, 80, 12))
	var b bytes.Buffer
	if err := m.writeJSON(&b); err != nil || !strings.Contains(b.String(), `"rows":[]`) {
		t.Errorf("%v: %s", err, b.String())
	}
}
