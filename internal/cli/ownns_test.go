package cli

import (
	"bytes"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

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

// In a chroot, such as that of a debugging pod in the node's root file system, lsmprof leaves itself out as elsewhere,
// and the command stays in the chroot.
func TestRecordInAChroot(t *testing.T) {
	vmtest.Guest(t)
	vmtest.OnOneKernel(t)
	e, err := lookalike.VArmorLayouts[len(lookalike.VArmorLayouts)-1].Load()
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	jail := t.TempDir()
	if err := unix.Mount("/", jail, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		t.Fatal(err)
	}
	defer unix.Unmount(jail, unix.MNT_DETACH)
	if err := unix.Mount("tmpfs", jail+"/root", "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(jail+"/root/only-in-jail", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := lsmprof("record", "--all", "--calibration", "off", "--json", "--output", "-",
		"--", "sh", "-c", "pwd; ls /root; sleep 1")
	if cmd.Path, err = os.Executable(); err != nil {
		t.Fatal(err)
	}
	cmd.Dir, cmd.SysProcAttr = "/root", &syscall.SysProcAttr{Chroot: jail}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, errs.String())
	}
	if !strings.Contains(errs.String(), "/root\nonly-in-jail\n") || strings.Contains(errs.String(), "warning") {
		t.Errorf("the command does not run in the chroot, or lsmprof warns:\n%s", errs.String())
	}
	doc, err := profile.ReadJSON(&out)
	if err != nil {
		t.Fatal(err)
	}
	if doc.OwnCalls == 0 {
		t.Error("no calls of its own: lsmprof has no mount namespace of its own in a chroot")
	}
}
