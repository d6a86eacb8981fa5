package accuracy

import (
	"context"
	"errors"
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/vmtest"
	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

// AppArmor denies before BPF is asked: the denials are AppArmor's, in a profile and as events, and the program of BPF
// has none of the calls. The policy is that of processes: this test's thread alone is under another one, so it may be
// any.
func TestLSMsDenialBelongsToAppArmor(t *testing.T) {
	vmtest.Guest(t)
	requireLSMs(t, "apparmor", "bpf")
	r := rigOf(t)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const file, calls = "/lsmprof-denied/file", 20
	if err := errors.Join(os.MkdirAll("/lsmprof-denied", 0o755), os.WriteFile(file, nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll("/lsmprof-denied")
	detach, err := r.reference(enforcer.Rules{File: 8}, "file_open").attach()
	if err != nil {
		t.Fatal(err)
	}
	defer detach()
	open := func() error {
		for range calls {
			if fd, err := unix.Open(file, unix.O_RDONLY, 0); !errors.Is(err, unix.EACCES) {
				t.Errorf("open: %d, %v; want EACCES", fd, err)
			}
		}
		return nil
	}
	functions := functionsOn(t, "file_open", "apparmor", tracer.Total)
	rules := func(lsm, policy string) int {
		if lsm == "apparmor" && policy != "" {
			return 10
		}
		return profile.RulesUnknown
	}
	underAppArmor(t, 8, func() {
		costs, err := r.probe([]string{"file_open"}, tracer.Options{Functions: functions, PolicyRules: rules},
			r.calibration, open)
		if err != nil {
			t.Fatal(err)
		}
		denials := map[string]uint64{}
		for i := range costs.Rows {
			row := &costs.Rows[i]
			denials[row.Program.Name] += row.Denials
			if row.Denials > 0 && (row.Policy == "" || row.Rules != 10) {
				t.Errorf("%s: policy %q, %d rules", row.Program.Name, row.Policy, row.Rules)
			}
			if row.Program.Name == "ref_file_open" && row.Calls > calls/2 && row.Workload.MntNS == r.mntns {
				t.Errorf("BPF has %d calls that AppArmor had denied", row.Calls)
			}
		}
		if denials["apparmor_file_open"] != calls || denials["security_file_open"] != 0 {
			t.Errorf("denials: %v, want %d of apparmor_file_open only", denials, calls)
		}
		r.denialEvents(t, functions, rules, open, calls)
	})
}

// denialEvents checks that lsmprof trace emits the denials with their policy's rules.
func (r *Rig) denialEvents(
	t *testing.T, functions []tracer.Function, rules func(string, string) int, open func() error, calls int,
) {
	t.Helper()
	s, err := tracer.StartTrace(withPreemptible(r.calibration.Preemptible), tracer.TraceOptions{
		Select: func(tracer.Program) bool { return false }, Functions: functions[:1], PolicyRules: rules,
		Calibration: r.calibration, Denied: true, About: true, Self: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := open(); err != nil {
		t.Fatal(err)
	}
	ended, end := context.WithCancel(context.Background())
	end()
	n := 0
	err = s.Trace(ended, func(e *tracer.Event) error {
		n++
		if e.Program.Name != "apparmor_file_open" || e.Return != -int(unix.EACCES) || e.Rules != 10 {
			t.Errorf("%s returned %d under %d rules", e.Program.Name, e.Return, e.Rules)
		}
		return nil
	}, nil)
	if err != nil || n != calls {
		t.Errorf("%d events, want %d: %v", n, calls, err)
	}
}
