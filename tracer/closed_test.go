package tracer

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/lsmprof/lsmprof/internal/vmtest"
)

// closed checks the methods of a Tracer and a Stream that have no probes.
func closed(t *testing.T, tr *Tracer, s *Stream) {
	t.Helper()
	ctx := context.Background()
	for method, err := range map[string]error{
		"Tracer.Poll": tr.Poll(ctx), "Tracer.Run": tr.Run(ctx),
		"Tracer.StartCommand": tr.StartCommand(func() error { return nil }),
		"Stream.Trace":        s.Trace(ctx, func(*Event) error { return nil }, nil),
	} {
		if !errors.Is(err, os.ErrClosed) {
			t.Errorf("%s: %v, want %v", method, err, os.ErrClosed)
		}
	}
	if err := errors.Join(tr.Close(), s.Close()); err != nil {
		t.Errorf("Close: %v", err)
	}
	if usage := tr.CounterUsage(); len(usage) > 0 {
		t.Errorf("CounterUsage: %v, want none", usage)
	}
}

func TestZeroValues(t *testing.T) {
	var tr Tracer
	var s Stream
	closed(t, &tr, &s)
	if snap, err := tr.Snapshot(); err != nil || len(snap.Programs)+len(snap.Rows) > 0 {
		t.Errorf("Snapshot: %+v, %v, want an empty one", snap, err)
	}
	if loss, err := s.Loss(); err != nil || loss.Total() > 0 {
		t.Errorf("Loss: %+v, %v, want none", loss, err)
	}
	if programs, err := s.Programs(); err != nil || len(programs) > 0 {
		t.Errorf("Programs: %+v, %v, want none", programs, err)
	}
	if err := new(RuleTracer).StartCommand(nil); err == nil {
		t.Error("StartCommand(nil): no error")
	}
	var clock SyscallClock
	if _, _, err := clock.Read(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("SyscallClock.Read: %v, want %v", err, os.ErrClosed)
	}
	if err := clock.Close(); err != nil {
		t.Errorf("SyscallClock.Close: %v", err)
	}
}

func TestMethodsAfterClose(t *testing.T) {
	vmtest.Guest(t)
	vmtest.OnOneKernel(t)
	lsmProgram(t, "called", "task_getpgid", 0, allow()...)
	tr, err := Start(context.Background(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	s, err := StartTrace(context.Background(), TraceOptions{Self: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if before, err := tr.Snapshot(); err != nil || len(before.Programs) != 1 || len(before.Rows) > 0 {
		t.Errorf("before the first poll: %+v, %v, want one program and no row", before, err)
	}
	const n = 20
	ended, end := context.WithCancel(context.Background())
	end()
	for range 2 { // Run and Trace resume
		if err := tr.Run(ended); err != nil {
			t.Fatal(err)
		}
		if err := s.Trace(ended, func(*Event) error { return nil }, nil); err != nil {
			t.Fatal(err)
		}
		getpgid(n) // while both are paused
	}
	ctx, stop := context.WithCancel(context.Background())
	events := 0
	err = s.Trace(ctx, func(*Event) error { events++; return nil }, func(Loss) error {
		stop()
		getpgid(n)
		return nil
	})
	if err != nil || events != n {
		t.Errorf("%d events, %v, want %d", events, err, n)
	}
	if err := errors.Join(tr.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	closed(t, tr, s)
	snap, err := tr.Snapshot()
	if err != nil || len(snap.Programs) != 1 || snap.Programs[0].Timed > 0 {
		t.Errorf("%+v, %v, want one program without calls: counting was paused", snap.Programs, err)
	}
	if loss, err := s.Loss(); err != nil || loss.Received != n {
		t.Errorf("%+v, %v, want %d received", loss, err, n)
	}
}
