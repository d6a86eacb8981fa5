package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/enforcer/reference"
	"github.com/lsmprof/lsmprof/internal/tracefmt"
	"github.com/lsmprof/lsmprof/internal/vmtest"
)

// liveTrace is `lsmprof trace --json` in a process of its own.
type liveTrace struct {
	t      *testing.T
	cmd    *exec.Cmd
	out    *os.File
	stderr bytes.Buffer
	many   bool // calls: only count them
	empty  bool // no call is to pass
}

// traced is a line of its output, of any type.
type traced struct {
	Type                         string
	Time                         time.Time
	MntNS                        uint32
	Comm, Syscall, Hook, Program string
	ProgramID                    uint32 `json:"program_id"`
	PID                          int
	Rules                        *int
	BodyNs                       *float64 `json:"body_ns"`
	Verdict, Errno, About        string
	Kernel                       []traceFrame `json:"kernel_stack"`
	User                         []traceFrame `json:"user_stack"`
	Invocations                  uint64
	Lost, Missed, Damaged        uint64
	LostByCPU                    []uint64 `json:"lost_by_cpu"`
}

// traceFrame is a frame of a stack.
type traceFrame struct {
	Function, Module string
	Offset           uint64
}

// startTrace starts a trace and returns when it measures. Without stdout the trace writes to a file.
func startTrace(t *testing.T, stdout *os.File, args ...string) *liveTrace {
	t.Helper()
	dir := t.TempDir()
	ready := filepath.Join(dir, "ready")
	args = append([]string{"trace", "--json", "--calibration", "off", "--ready-file", ready}, args...)
	l := &liveTrace{t: t, cmd: lsmprof(args...)}
	l.cmd.Stdout, l.cmd.Stderr = stdout, &l.stderr
	if stdout == nil {
		var err error
		if l.out, err = os.Create(filepath.Join(dir, "out")); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.out.Close() })
		l.cmd.Stdout = l.out
	}
	if err := l.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.cmd.Process.Kill() })
	vmtest.WaitFor(t, "trace to begin: "+l.stderr.String(), func() bool {
		_, err := os.Stat(ready)
		return err == nil
	})
	return l
}

// finish ends the trace and returns its lines, that of the end last.
func (l *liveTrace) finish() []traced {
	l.t.Helper()
	l.cmd.Process.Signal(os.Interrupt)
	if err := l.cmd.Wait(); (err != nil) != l.empty {
		l.t.Fatalf("trace: %v: %s", err, l.stderr.String())
	}
	if stderr := l.stderr.String(); l.empty && !strings.Contains(stderr, "no call passed --") {
		l.t.Errorf("trace does not say that no call passed: %s", stderr)
	}
	if l.out == nil {
		return nil
	}
	if _, err := l.out.Seek(0, 0); err != nil {
		l.t.Fatal(err)
	}
	return readTrace(l.t, bufio.NewScanner(l.out), l.many)
}

// readTrace reads the lines of a trace. With many, it does not decode those of calls.
func readTrace(t *testing.T, lines *bufio.Scanner, many bool) (all []traced) {
	t.Helper()
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line traced
		if many && bytes.HasPrefix(lines.Bytes(), []byte(`{"schema":"lsmprof/trace/v1","type":"invocation",`)) {
			all = append(all, traced{Type: tracefmt.TypeCall})
			continue
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatalf("%v in %s", err, lines.Text())
		}
		all = append(all, line)
	}
	if len(all) == 0 || all[len(all)-1].Type != tracefmt.TypeEnd {
		t.Fatalf("%d lines without the end of the trace", len(all))
	}
	return all
}

// confine gives a workload 8 filler rules of each type, and one that denies opening *.key.
func confine(t *testing.T, w *workload) *reference.Enforcer {
	t.Helper()
	e := startReference(t, nil)
	deny, err := reference.DenyPath("**.key")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Release(w.mntns) })
	if err := e.Confine(w.mntns, reference.Policy{
		Fillers: enforcer.Rules{File: 8, Exec: 8, Net: 8, Mount: 8}, File: []reference.PathRule{deny},
	}); err != nil {
		t.Fatal(err)
	}
	return e
}

func hasFrame(frames []traceFrame, prefix string) bool {
	return slices.ContainsFunc(frames, func(f traceFrame) bool { return strings.HasPrefix(f.Function, prefix) })
}
