package host

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/lsmprof/lsmprof/internal/bench"
)

func startCommand(t *testing.T, s string) bench.Worker {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("a mount namespace of its own needs root")
	}
	test, err := bench.ParseTest(s)
	if err != nil {
		t.Fatal(err)
	}
	w, err := Commands{Dir: t.TempDir()}.Start(context.Background(), test, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

func TestCommandMetric(t *testing.T) {
	w := startCommand(t, `name=x; run=echo 1 ops;; echo 1,234.5 ops; metric=([0-9.,]+) ops`)
	for range 3 {
		s, err := w.Slice(t.Context(), 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		if rate := s.Ops / s.Ns * 1e9; rate < 1234.4 || rate > 1234.6 {
			t.Errorf("rate %v, want 1234.5", rate)
		}
		if !strings.Contains(string(s.Output), "1,234.5 ops") {
			t.Errorf("output %q", s.Output)
		}
	}
}

func TestCommandErrors(t *testing.T) {
	for s, want := range map[string]string{
		"name=x; run=echo no such file >&2;; exit 3": "exit status 3: no such file",
		"name=x; run=echo hello; metric=([0-9]+)":    "no match",
		"name=x; run=echo 0; metric=([0-9]+)":        "above 0",
		"name=x; run=kill -9 $PPID;; sleep 1":        "killed",
	} {
		if _, err := startCommand(t, s).Slice(t.Context(), 0, 0); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", s, err, want)
		}
	}
}

func TestCommandTime(t *testing.T) {
	s, err := startCommand(t, "name=x; run=sleep 0.05").Slice(t.Context(), 0, 0)
	if err != nil || s.Ops < 0.99 || s.Ops > 1.01 || s.Ns < 50e6 {
		t.Errorf("%+v, %v: want one operation of at least 50 ms", s, err)
	}
}
