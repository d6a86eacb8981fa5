package tracefmt

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/internal/golden"
	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

// events returns one event of each kind.
func events() []tracer.Event {
	at := time.Date(2026, 7, 1, 12, 0, 0, 123456000, time.UTC)
	open := profile.Program{ID: 7, Name: "varmor_file_open", Hook: "file_open", Enforcer: "varmor"}
	exec := profile.Program{
		ID: 9, Name: "varmor_bprm_check_security", Hook: "bprm_check_security", Enforcer: "varmor",
	}
	long := profile.Program{
		ID:   8,
		Name: "a_program_with_a_name_that_is_longer_than_any_column_may_be",
		Hook: "bprm_committed_creds",
	}
	nginx := profile.Workload{MntNS: 1, Namespace: "web", Pod: "nginx-0", Container: "nginx"}
	sh := profile.Workload{MntNS: 2, Comm: "sh"}
	after := func(ms int) time.Time { return at.Add(time.Duration(ms) * time.Millisecond) }
	return []tracer.Event{
		{
			Time: at, Workload: nginx, Comm: "nginx", PID: 4711, TID: 4712, CPU: 3, Syscall: "openat",
			Program: open, Rules: 8, Timed: true, Reading: 2358, Body: 2200, About: "/etc/nginx/nginx.conf",
		},
		{
			Time: after(1), Workload: sh, Comm: "sh\x1b[2J", PID: 9, TID: 9, Syscall: "openat",
			Program: open, Timed: true, Body: 12_345_678, Return: -13, About: "…/a name\n",
			Kernel: []profile.Frame{{
				Function: "security_file_open", Module: "[kernel]", Address: 0xffffffff81000010,
				Offset: 16,
			}},
			User: []profile.Frame{
				{Function: "open64", Module: "/usr/lib/libc.so.6", Offset: 91},
				{Module: "/usr/bin/app", Offset: 4096},
			},
		},
		{
			Time: after(2), Workload: profile.Workload{MntNS: 3, Comm: "sh"}, Comm: "sh", PID: 10, TID: 10,
			Syscall: "ia32:execve", Program: exec, Rules: profile.RulesUnknown, Return: -1,
		},
		{
			Time: after(3), Workload: sh, Comm: "kworker/0:1", Syscall: "[kthread]", Program: long,
			Timed: true, Void: true,
		},
		{
			Time: after(4), Workload: sh, Comm: "sh", PID: 9, Syscall: "openat", Program: open,
			Rules: 2, Timed: true, Body: 140, Return: 5000,
		},
	}
}

func TestOutput(t *testing.T) {
	known := []profile.Program{
		{Name: "varmor_file_open", Hook: "file_open"},
		{Name: "varmor_bprm_check_security", Hook: "bprm_check_security"},
	}
	at := time.Date(2026, 7, 1, 12, 0, 1, 0, time.UTC)
	now := func() time.Time { return at }
	textWriter := func(o TextOptions) func(io.Writer) Writer {
		o.Start, o.Now, o.Advice = at.Add(-2*time.Second), now, "narrow it down"
		if o.Programs == nil {
			o.Programs = known
		}
		return func(w io.Writer) Writer { return NewText(w, w, o) }
	}
	two := append(known, profile.Program{Name: "other_file_open", Hook: "file_open"})
	loss := tracer.Loss{Received: 5, Lost: []uint64{0, 1234, 0, 5}, Missed: 3, Damaged: 1}
	for name, writer := range map[string]func(io.Writer) Writer{
		"trace.txt":          textWriter(TextOptions{}),
		"trace_args.txt":     textWriter(TextOptions{About: true}),
		"trace_programs.txt": textWriter(TextOptions{Programs: two}),
		"trace_color.txt":    textWriter(TextOptions{Color: true}),
		"trace_120.txt":      textWriter(TextOptions{About: true, Width: 120}),
		"trace_80.txt":       textWriter(TextOptions{Width: 80}),
		"trace_80_args.txt":  textWriter(TextOptions{About: true, Width: 80}),
		"trace.json":         func(w io.Writer) Writer { return NewJSON(w, now) },
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			w := writer(&out)
			for _, e := range events() {
				if err := w.Event(&e); err != nil {
					t.Fatal(err)
				}
			}
			err := errors.Join(w.Lost(tracer.Loss{}), w.Lost(loss), w.Lost(loss), w.End(loss))
			if err != nil {
				t.Fatal(err)
			}
			golden.Equal(t, name, out.Bytes())
		})
	}
}

func TestLinesFitTheTerminal(t *testing.T) {
	for width := 72; width <= 160; width++ {
		var out bytes.Buffer
		w := NewText(&out, io.Discard, TextOptions{About: true, Width: width})
		for _, e := range events() {
			e.Kernel, e.User = nil, nil
			if err := w.Event(&e); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Lost(tracer.Loss{}); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(out.String()) {
			if n := text.Width(strings.TrimSuffix(line, "\n")); n > width {
				t.Fatalf("%d columns on a terminal of %d: %s", n, width, line)
			}
		}
	}
}

func TestProgramIsShownFromTheSecondOfAHookOn(t *testing.T) {
	var out bytes.Buffer
	w := NewText(&out, io.Discard, TextOptions{})
	e := events()[0]
	w.Event(&e)
	e.Program.Name = "another"
	w.Event(&e)
	w.Event(&e)
	w.End(tracer.Loss{})
	headers, programs := strings.Count(out.String(), "TIME"), strings.Count(out.String(), "another")
	if headers != 2 || programs != 2 || strings.Contains(out.String(), "varmor_file_open") {
		t.Errorf("want a second header and two lines with a program:\n%s", out.String())
	}
}

func TestLossNoticeOncePerSecond(t *testing.T) {
	var n lossNotice
	start := time.Unix(1000, 0)
	lost := func(a, b uint64) tracer.Loss { return tracer.Loss{Lost: []uint64{a, b}} }
	for _, c := range []struct {
		after time.Duration
		loss  tracer.Loss
		want  string
	}{
		{0, lost(0, 0), ""},
		{time.Second, lost(2, 0), "lost 2 calls (cpu 0: 2), 2 in all"},
		{1100 * time.Millisecond, lost(5, 0), ""}, // too soon
		{2 * time.Second, lost(5, 1), "lost 4 calls (cpu 0: 3, cpu 1: 1), 6 in all"},
		{9 * time.Second, lost(5, 1), ""},
	} {
		got := n.line(c.loss, start.Add(c.after))
		if got != c.want {
			t.Errorf("after %v: %q, want %q", c.after, got, c.want)
		}
	}
}
