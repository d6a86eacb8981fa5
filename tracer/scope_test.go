package tracer

import (
	"errors"
	"testing"

	"github.com/lsmprof/lsmprof/internal/vmtest"
	"github.com/lsmprof/lsmprof/profile"
)

func TestScopeOfKernelVersions(t *testing.T) {
	version := func(major, minor, patch uint32) uint32 { return major<<16 | minor<<8 | patch }
	for v, want := range map[uint32]profile.Scope{
		version(5, 10, 0): profile.ScopeHook, version(5, 17, 255): profile.ScopeHook,
		version(5, 18, 0): profile.ScopeProgram, version(7, 2, 1): profile.ScopeProgram,
	} {
		if got := scopeOf(v); got != want {
			t.Errorf("%#x: %v, want %v", v, got, want)
		}
	}
}

// Before 5.18 the verifier dereferences NULL when it loads a tracing program for an LSM program. If the loader asked it
// to, this test would crash the guest.
func TestProgramScopeIsRefusedWhereItCrashes(t *testing.T) {
	if vmtest.Guest(t).AtLeast(5, 18) {
		t.Skip("this kernel does not crash")
	}
	lsmProgram(t, "victim", "task_getpgid", 0, allow()...)
	progs, err := Programs()
	if err != nil || len(progs) != 1 {
		t.Fatalf("%+v, %v: want one program", progs, err)
	}
	l, err := newLoader(Filter{}, machine{cpus: 1, online: []int{0}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	victim := target{program: progs[0], scope: profile.ScopeProgram}
	if _, err := l.attach(victim, nil); !errors.Is(err, ErrUnsupported) {
		t.Errorf("attach: %v, want %v", err, ErrUnsupported)
	}
}

func TestCalibrationHasToFit(t *testing.T) {
	m := machine{scope: profile.ScopeProgram, preemptible: true}
	for name, c := range map[string]struct {
		cal  profile.Calibration
		fits bool
	}{
		"none":                   {profile.Calibration{}, true},
		"same":                   {profile.Calibration{Runs: 1, Preemptible: true}, true},
		"refused":                {profile.Calibration{Runs: 1, Refused: "too wide"}, true},
		"other scope":            {profile.Calibration{Runs: 1, Scope: profile.ScopeHook}, false},
		"other preemption model": {profile.Calibration{Runs: 1}, false},
	} {
		if err := m.fits(c.cal); (err == nil) != c.fits {
			t.Errorf("%s: %v, want it to fit: %v", name, err, c.fits)
		}
	}
}
