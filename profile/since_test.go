package profile

import (
	"errors"
	"reflect"
	"testing"
	"time"
)

// recording returns a snapshot of one program after some time, with a row for every count of calls that is not 0.
func recording(after time.Duration, calls ...int) Snapshot {
	s := Snapshot{
		Start: time.Unix(1, 0), Duration: after,
		Programs: []Program{{ID: 7, Name: "p", Hook: "file_open"}},
	}
	for i, n := range calls {
		if n == 0 {
			continue
		}
		r := Row{
			Syscall: []string{"open", "read", "execve"}[i], Workload: Workload{MntNS: 9, Comm: "sh"},
			Denials: uint64(n) / 2,
		}
		for range n {
			r.Readings.Add(100)
			r.Sum += 100
		}
		s.Rows = append(s.Rows, r)
		s.Programs[0].Timed += uint64(n)
	}
	return s
}

func TestSinceReturnsTheDifference(t *testing.T) {
	got, err := recording(3*time.Second, 5, 4, 2).Since(recording(time.Second, 3, 4))
	if err != nil {
		t.Fatal(err)
	}
	want := recording(2*time.Second, 2, 0, 2)
	want.Start = time.Unix(2, 0)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func TestSinceAndEarlierAddUpToLater(t *testing.T) {
	earlier, later := recording(time.Second, 3, 4, 1), recording(2*time.Second, 9, 4, 10)
	delta, err := later.Since(earlier)
	if err != nil {
		t.Fatal(err)
	}
	calls := func(s Snapshot) (n uint64) {
		costs, err := s.Costs()
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range costs.Rows {
			n += c.Calls
		}
		return n
	}
	if got, want := calls(earlier)+calls(delta), calls(later); got != want {
		t.Errorf("%d calls, want %d", got, want)
	}
}

func TestSinceChangesNoSnapshot(t *testing.T) {
	earlier, later := recording(time.Second, 3), recording(2*time.Second, 9)
	if _, err := later.Since(earlier); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(earlier, recording(time.Second, 3)) ||
		!reflect.DeepEqual(later, recording(2*time.Second, 9)) {
		t.Error("Since changed a snapshot that it was given")
	}
}

func TestSinceKeepsTheNewNameOfAWorkload(t *testing.T) {
	earlier, later := recording(time.Second, 3), recording(2*time.Second, 4)
	later.Rows[0].Workload.Comm = "nginx"
	got, err := later.Since(earlier)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Rows) != 1 || got.Rows[0].Readings.Count() != 1 || got.Rows[0].Workload.Comm != "nginx" {
		t.Errorf("rows: %+v", got.Rows)
	}
}

// An enforcer that restarts loads its programs again. The tracer continues their rows, and may rename what is left of a
// hook.
func TestSinceGoesOnWhenAnEnforcerRestarts(t *testing.T) {
	earlier, later := recording(time.Second, 3), recording(2*time.Second, 5)
	later.Programs[0].ID++
	earlier.Programs = append(earlier.Programs, Program{Hook: "capable", Name: "whole hook", Scope: ScopeHook})
	later.Programs = append(later.Programs, earlier.Programs[1])
	later.Programs[1].Name = "hook, less 1 measured program"
	got, err := later.Since(earlier)
	if err != nil {
		t.Fatal(err)
	}
	if p := got.Programs[0]; p.ID != later.Programs[0].ID || p.Timed != 2 {
		t.Errorf("%+v, want the new id and 2 calls", p)
	}
}

func TestSinceKeepsNewPrograms(t *testing.T) {
	earlier, later := recording(time.Second, 3), recording(2*time.Second, 3)
	later.Programs = append(later.Programs, Program{ID: 8, Timed: 1})
	later.Rows = append(later.Rows, Row{Program: 1, Preempted: 1})
	got, err := later.Since(earlier)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Programs) != 2 || got.Programs[1].Timed != 1 || len(got.Rows) != 1 || got.Rows[0].Program != 1 {
		t.Errorf("got %+v", got)
	}
}

func TestSinceRefusesOtherSnapshots(t *testing.T) {
	later := recording(2*time.Second, 5, 4)
	for name, change := range map[string]func(*Snapshot){
		"another recording": func(s *Snapshot) { s.Start = time.Unix(5, 0) },
		"later":             func(s *Snapshot) { s.Duration = time.Hour },
		"more programs":     func(s *Snapshot) { s.Programs = append(s.Programs, Program{}) },
		"another program":   func(s *Snapshot) { s.Programs[0].Name = "q" },
		"another hook":      func(s *Snapshot) { s.Programs[0].Hook = "capable" },
		"another scope":     func(s *Snapshot) { s.Programs[0].Scope = ScopeHook },
		"more timed":        func(s *Snapshot) { s.Programs[0].Timed = 100 },
		"another row":       func(s *Snapshot) { s.Rows[0].Syscall = "mount" },
		"more denials":      func(s *Snapshot) { s.Rows[0].Denials = 100 },
		"more readings":     func(s *Snapshot) { s.Rows[0].Readings[0] = 100 },
	} {
		t.Run(name, func(t *testing.T) {
			earlier := recording(time.Second, 3)
			change(&earlier)
			if got, err := later.Since(earlier); !errors.Is(err, ErrNotEarlier) {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}
