package cli

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/internal/golden"
	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

// invocations are one of each kind.
func invocations() []tracer.Invocation {
	at := time.Date(2026, 7, 1, 12, 0, 0, 123456000, time.UTC)
	open := profile.Program{ID: 7, Name: "varmor_file_open", Hook: "file_open", Enforcer: "varmor"}
	return []tracer.Invocation{
		{
			Time: at, Workload: profile.Workload{MntNS: 1, Namespace: "web", Pod: "nginx-0", Container: "nginx"}, Comm: "nginx", PID: 4711, TID: 4712,
			CPU: 3, Syscall: "openat", Of: open, Rules: 8, Timed: true, Reading: 2358, Body: 2200, About: "/etc/nginx/nginx.conf",
		},
		{
			Time: at.Add(time.Millisecond), Workload: profile.Workload{MntNS: 2, Comm: "sh"}, Comm: "sh\x1b[2J", PID: 9, TID: 9, Syscall: "openat", Of: open,
			Timed: true, Body: 12_345_678, Return: -13, About: "…/a name\n",
			Kernel: []profile.Frame{{Function: "security_file_open", Module: "[kernel]", Address: 0xffffffff81000010, Offset: 16}},
			User:   []profile.Frame{{Function: "open64", Module: "/usr/lib/libc.so.6", Offset: 91}, {Module: "/usr/bin/app", Offset: 4096}},
		},
		{
			Time: at.Add(2 * time.Millisecond), Workload: profile.Workload{MntNS: 3, Comm: "sh"}, Comm: "sh", PID: 10, TID: 10, Syscall: "ia32:execve",
			Of:    profile.Program{Hook: "bprm_check_security", Enforcer: "generic", Scope: profile.ScopeHook},
			Rules: profile.RulesUnknown, Return: -1,
		},
		{
			Time: at.Add(3 * time.Millisecond), Workload: profile.Workload{MntNS: 2, Comm: "sh"}, Comm: "kworker/0:1", Syscall: "[kthread]",
			Of: profile.Program{ID: 8, Name: "a_program_with_a_name_that_is_longer_than_any_column_may_be", Hook: "bprm_committed_creds"}, Timed: true, Void: true,
		},
		{
			Time: at.Add(4 * time.Millisecond), Workload: profile.Workload{MntNS: 2, Comm: "sh"}, Comm: "sh", PID: 9, Syscall: "openat", Of: open,
			Rules: 2, Timed: true, Body: 140, Return: 5000,
		},
	}
}

func TestTraceOutput(t *testing.T) {
	known := []profile.Program{{Name: "varmor_file_open", Hook: "file_open"}, {Name: "varmor_bprm_check_security", Hook: "bprm_check_security"}}
	loss := tracer.Loss{Received: 5, Lost: []uint64{0, 1234, 0, 5}, Missed: 3, Damaged: 1}
	for name, writer := range map[string]func(streams) traceWriter{
		"trace.txt":      func(std streams) traceWriter { return newTraceText(std, false, known) },
		"trace_args.txt": func(std streams) traceWriter { return newTraceText(std, true, known) },
		"trace.json": func(std streams) traceWriter {
			return newTraceJSON(std.out, clockAt(time.Date(2026, 7, 1, 12, 0, 1, 0, time.UTC)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			w, names := writer(streams{out: &out, err: &out}), traceNames{}
			for _, inv := range invocations() {
				if err := w.invocation(&inv, names.of(inv.Workload)); err != nil {
					t.Fatal(err)
				}
			}
			if err := errors.Join(w.lost(tracer.Loss{}), w.lost(loss), w.lost(loss), w.end(5, loss)); err != nil {
				t.Fatal(err)
			}
			golden.Equal(t, name, out.Bytes())
		})
	}
}

func clockAt(t time.Time) func() time.Time { return func() time.Time { return t } }

func TestLossIsSaidOnceASecond(t *testing.T) {
	var n lossNotice
	start := time.Unix(1000, 0)
	lost := func(a, b uint64) tracer.Loss { return tracer.Loss{Lost: []uint64{a, b}} }
	for _, c := range []struct {
		after time.Duration
		loss  tracer.Loss
		want  string
	}{
		{0, lost(0, 0), ""},
		{time.Second, lost(2, 0), "lost 2 invocations (cpu 0: 2), 2 in all"},
		{1100 * time.Millisecond, lost(5, 0), ""}, // too soon
		{2 * time.Second, lost(5, 1), "lost 4 invocations (cpu 0: 3, cpu 1: 1), 6 in all"},
		{9 * time.Second, lost(5, 1), ""},
	} {
		got := n.line(c.loss, start.Add(c.after))
		if (got == "") != (c.want == "") || len(got) < len(c.want) || got[:len(c.want)] != c.want {
			t.Errorf("after %v: %q, want %q", c.after, got, c.want)
		}
	}
}

func TestStacksFlag(t *testing.T) {
	for value, want := range map[string]string{"kernel": "kernel", "user": "user", "user,kernel": "kernel,user"} {
		var s stacksFlag
		if err := s.Set(value); err != nil || s.String() != want {
			t.Errorf("%s: %s, %v", value, &s, err)
		}
	}
	if err := new(stacksFlag).Set("kernal"); err == nil {
		t.Error("kernal is a stack")
	}
}
