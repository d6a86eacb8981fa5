package report

import (
	"math"
	"strings"
	"testing"

	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/rundir/rundirtest"
)

// Each of two programs on a hook has its share of the syscall's duration, and the heat map has the sum. A row has no
// share if the duration is unknown: in runs of older versions, and for syscalls that do not return.
func TestShareOfTheSyscall(t *testing.T) {
	s := rundirtest.New(2, 3, 12)
	const scenario = "rules=2"
	for test := range s.Explained {
		e := s.Explained[test][scenario]
		second, exits := e.Rows[0], e.Rows[0]
		second.Program, exits.Syscall = "q", "exit_group"
		e.Rows = append(e.Rows, second, exits)
		e.Syscalls = []rundir.SyscallTime{{Syscall: "openat", Calls: 2, Ns: 4 * e.Rows[0].HookNs}}
		s.Explained[test][scenario] = e
	}
	old := s.Explained["test1"][scenario]
	old.Syscalls = nil
	s.Explained["test1"][scenario] = old

	r := open(t, s)
	shares := r.heatOf(r.heaviest()).share
	known := 0
	for _, h := range r.Hooks {
		switch {
		case h.Scenario != scenario:
		case h.Test == "test1" || h.Syscall == "exit_group":
			if h.SyscallNs != nil || h.SyscallShare != nil {
				t.Errorf("%s of %s in %s has a share", h.Program, h.Test, h.Syscall)
			}
		default:
			known++
			if *h.SyscallShare != 0.25 || math.Abs(*h.SyscallNs-2*h.HookNs) > 1e-9 {
				t.Errorf("%s: %.0f ns a call, %.2f of it", h.Program, *h.SyscallNs, *h.SyscallShare)
			}
		}
	}
	if known != 2 || math.Abs(shares[[2]string{"openat", "file_open"}]-0.5) > 1e-9 || len(shares) != 1 {
		t.Errorf("%d rows with a share; by the heat map %v", known, shares)
	}
	for name, text := range formats(t, r) {
		if want := map[string]string{
			"html": "50.0 % of the syscall&#39;s own time", "md": " 25.00 | ",
			"hooks.csv": ",share_of_syscall\n",
		}[name]; !strings.Contains(text, want) {
			t.Errorf("%s lacks %q", name, want)
		}
	}
}
