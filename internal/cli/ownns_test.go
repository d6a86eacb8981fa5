package cli

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/lsmprof/lsmprof/internal/enforcer/lookalike"
	"github.com/lsmprof/lsmprof/internal/vmtest"
	"github.com/lsmprof/lsmprof/profile"
)

// recordAlone runs `lsmprof record` in a process of its own, as a user does.
func recordAlone(t *testing.T, args ...string) (stdout string) {
	t.Helper()
	cmd := lsmprof(append([]string{"record", "--calibration", "off"}, args...)...)
	cmd.Dir = t.TempDir()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("lsmprof record %q: %v\n%s", args, err, errs.String())
	}
	return out.String()
}

func TestRecordLeavesItselfOut(t *testing.T) {
	vmtest.Guest(t)
	e, err := lookalike.VArmorLayouts[len(lookalike.VArmorLayouts)-1].Load()
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()

	doc := func(args ...string) *profile.Document {
		out := recordAlone(t, append([]string{"-d", "1s", "--json", "--output", "-"}, args...)...)
		d, err := profile.ReadJSON(strings.NewReader(out))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	idle := doc()
	for _, r := range idle.Rows {
		t.Errorf("on an idle machine, %s made %d calls in %s", r.Workload, r.Calls, r.Syscall)
	}
	if idle.OwnCalls == 0 {
		t.Error("no calls of its own, want some")
	}
	if out := recordAlone(t, "-d", "500ms", "-o", "profile.pb.gz"); !strings.Contains(out, " of lsmprof itself") {
		t.Errorf("the table does not count the calls that are left out:\n%s", out)
	}
	self := doc("--self")
	if len(self.Rows) == 0 || self.OwnCalls > 0 {
		t.Errorf("with --self: %d rows and %d own calls, want some and none", len(self.Rows), self.OwnCalls)
	}
	for _, r := range self.Rows {
		if r.Workload != "[lsmprof]" {
			t.Errorf("with --self, workload %s", r.Workload)
		}
	}
}

// A command that lsmprof runs is in the mount namespace, the root and the working directory of its caller.
func TestRecordedCommandRunsWhereItsCallerIs(t *testing.T) {
	vmtest.Guest(t)
	e, err := lookalike.VArmorLayouts[len(lookalike.VArmorLayouts)-1].Load()
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	here, err := os.Readlink("/proc/self/ns/mnt")
	if err != nil {
		t.Fatal(err)
	}
	out := recordAlone(t, "--output", "profile.pb.gz", "--", "sh", "-c",
		"readlink /proc/self/ns/mnt; ls -d $PWD/. ; ls profile.pb.gz 2>&1; readlink /proc/$PPID/ns/mnt")
	lines := strings.Split(out, "\n")
	if lines[0] != here {
		t.Errorf("the command runs in %s, want %s:\n%s", lines[0], here, out)
	}
	if strings.Count(out, here) != 1 {
		t.Errorf("lsmprof runs in the namespace of its caller:\n%s", out)
	}
}
