package accuracy

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/internal/vmtest"
	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

// requireLSMs skips a test in a guest that was booted without one of the security modules.
func requireLSMs(t *testing.T, names ...string) {
	t.Helper()
	active, err := kernel.LSMs()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if !slices.Contains(active, name) {
			t.Skipf("needs a guest with lsm=%s, this one has %s", strings.Join(names, ","),
				strings.Join(active, ","))
		}
	}
}

// functionsOn returns the functions of modules on a hook, of all active ones without names.
func functionsOn(t *testing.T, hook string, names ...string) []tracer.Function {
	t.Helper()
	if len(names) == 0 {
		active, err := kernel.LSMs()
		if err != nil {
			t.Fatal(err)
		}
		names = append(active, tracer.Total)
	}
	all, err := tracer.Functions(names)
	if err != nil {
		t.Fatal(err)
	}
	all = slices.DeleteFunc(all, func(f tracer.Function) bool { return f.Hook != hook })
	for _, f := range all {
		if f.Unavailable != "" {
			t.Errorf("%s: %s", f.Name, f.Unavailable)
		}
	}
	return all
}

// underAppArmor confines this thread with a profile that has a number of rules, runs do, and ends the confinement.
func underAppArmor(t *testing.T, rules int, do func()) {
	t.Helper()
	text := "profile measured /measured {\n  file,\n  capability,\n  network,\n  ptrace,\n  mount,\n" +
		"  change_profile -> unconfined,\n"
	for i := range rules {
		text += fmt.Sprintf("  deny /lsmprof-no-such-%d/** rw,\n", i)
	}
	text += "  deny /lsmprof-denied/** r,\n"
	path := filepath.Join(t.TempDir(), "profile")
	if err := os.WriteFile(path, []byte(text+"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("apparmor_parser", "-r", "-K", path).CombinedOutput(); err != nil {
		t.Fatalf("apparmor_parser: %v\n%s", err, out)
	}
	changeProfile(t, "measured")
	defer changeProfile(t, "unconfined")
	do()
}

func changeProfile(t *testing.T, name string) {
	t.Helper()
	file := "/proc/thread-self/attr/apparmor/current"
	if err := os.WriteFile(file, []byte("changeprofile "+name), 0); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil || !strings.HasPrefix(string(data), name) {
		t.Fatalf("this thread is under %q, %v; want %s", data, err, name)
	}
}

// calibratedForFunctions returns a rig whose calibration includes functions.
func calibratedForFunctions(t *testing.T) *Rig {
	t.Helper()
	r, err := NewRig()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	r.calibration, err = tracer.Calibrate(t.Context(), tracer.CalibrateOptions{Functions: true})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// byEnforcer runs an operation while functions and programs are probed, and returns the costs of one operation.
// Every row must have a call per operation.
func (r *Rig) byEnforcer(t *testing.T, op *operation, functions []tracer.Function, programs bool) map[string]float64 {
	t.Helper()
	hooks := op.hooks
	if !programs {
		hooks = nil
	}
	costs, err := r.probe(hooks, tracer.Options{Functions: functions}, r.calibration, op.latencies)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range costs.Warnings() {
		t.Errorf("warning: %s", w)
	}
	got := map[string]float64{}
	for i := range costs.Rows {
		row := &costs.Rows[i]
		if row.Syscall != "open" && row.Syscall != "openat" || row.Workload.MntNS != r.mntns {
			continue
		}
		if calls := uint64(op.total()); row.Calls != calls && !background(row, calls) {
			t.Errorf("%s: %d calls, want %d", row.Program.Name, row.Calls, calls)
		}
		got[row.Program.Enforcer] += row.Hook / float64(op.total())
	}
	return got
}

// background reports whether the calls beyond those of the operation are few: the Go runtime opens files, too.
func background(row *profile.Cost, calls uint64) bool {
	return row.Calls > calls && row.Calls < calls+3
}

func near(got, want, share float64) bool { return math.Abs(got-want) <= share*math.Abs(want) }

// What apparmor_file_open takes more under a profile is what the loop takes more.
func TestIcountLSMsAppArmorCosts(t *testing.T) {
	vmtest.IcountGuest(t)
	requireLSMs(t, "apparmor")
	r := calibratedForFunctions(t)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	op, err := openClose(2)()
	if err != nil {
		t.Fatal(err)
	}
	defer op.Close()
	functions := functionsOn(t, "file_open", "apparmor")
	measure := func() (loop, reported float64) {
		if loop, err = op.latency(); err != nil {
			t.Fatal(err)
		}
		return loop, r.byEnforcer(t, op, functions, false)["apparmor"]
	}
	freeLoop, free := measure()
	underAppArmor(t, 8, func() {
		loop, reported := measure()
		t.Logf("apparmor_file_open: %.0f instructions unconfined, %.0f confined; "+
			"the loop takes %.0f more, the "+
			"function %.0f", free, reported, loop-freeLoop, reported-free)
		if !near(reported-free, loop-freeLoop, 0.03) {
			t.Errorf("the difference is more than 3 %% off")
		}
	})
}

// All modules of a hook and the framework take what the hook takes as a whole, and a program takes the same beside
// them as alone.
func TestIcountLSMsMakeUpTheTotal(t *testing.T) {
	vmtest.IcountGuest(t)
	requireLSMs(t, "apparmor", "landlock", "tomoyo", "bpf")
	r := calibratedForFunctions(t)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	op, err := openClose(2)()
	if err != nil {
		t.Fatal(err)
	}
	defer op.Close()
	detach, err := r.reference(enforcer.Rules{File: 8}, "file_open").attach()
	if err != nil {
		t.Fatal(err)
	}
	defer detach()
	underAppArmor(t, 8, func() {
		total := r.byEnforcer(t, op, functionsOn(t, "file_open", tracer.Total), false)[tracer.Total]
		alone := r.byEnforcer(t, op, nil, true)[tracer.Generic]
		parts := r.byEnforcer(t, op, functionsOn(t, "file_open"), true)
		sum := 0.0
		for _, ns := range parts {
			sum += ns
		}
		t.Logf("security_file_open takes %.0f instructions, its parts %.0f: %v; the program alone %.0f",
			total, sum, parts, alone)
		for _, name := range []string{"apparmor", "landlock", "tomoyo", tracer.Generic, tracer.Total} {
			if parts[name] <= 0 {
				t.Errorf("%s takes nothing", name)
			}
		}
		if !near(sum, total, 0.03) {
			t.Errorf("members and framework are more than 3 %% off the total")
		}
		if !near(parts[tracer.Generic], alone, 0.01) {
			t.Errorf("the program takes %.0f beside the others, %.0f alone", parts[tracer.Generic], alone)
		}
	})
}

// A sandbox with one rule makes Landlock walk the path.
func TestIcountLSMsLandlockSandbox(t *testing.T) {
	vmtest.IcountGuest(t)
	requireLSMs(t, "landlock")
	r := calibratedForFunctions(t)
	op, err := openClose(2)()
	if err != nil {
		t.Fatal(err)
	}
	defer op.Close()
	functions := functionsOn(t, "file_open", "landlock")
	free := r.byEnforcer(t, op, functions, false)["landlock"]
	done := make(chan float64)
	go func() {
		defer close(done)
		runtime.LockOSThread() // for good: a sandbox cannot be left
		if err := landlock("/"); err != nil {
			t.Error(err)
			return
		}
		done <- r.byEnforcer(t, op, functions, false)["landlock"]
	}()
	sandboxed := <-done
	t.Logf("hook_file_open: %.0f instructions, in a sandbox %.0f", free, sandboxed)
	if sandboxed < 2*free+100 {
		t.Errorf("hook_file_open takes %.0f instructions in a sandbox, %.0f outside", sandboxed, free)
	}
}

// landlock confines this thread to files below dir, with one rule.
func landlock(dir string) error {
	const everything = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE |
		unix.LANDLOCK_ACCESS_FS_READ_DIR
	attr := unix.LandlockRulesetAttr{Handled_access_fs: everything}
	set, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), 8, 0)
	if errno != 0 {
		return fmt.Errorf("landlock_create_ruleset: %w", errno)
	}
	defer unix.Close(int(set))
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	beneath := unix.LandlockPathBeneathAttr{Allowed_access: everything, Parent_fd: int32(fd)}
	if _, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, set, unix.LANDLOCK_RULE_PATH_BENEATH,
		uintptr(unsafe.Pointer(&beneath)), 0, 0, 0); errno != 0 {
		return fmt.Errorf("landlock_add_rule: %w", errno)
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, set, 0, 0); errno != 0 {
		return fmt.Errorf("landlock_restrict_self: %w", errno)
	}
	return nil
}

// SELinux without a policy allows everything, but its functions run.
func TestIcountSELinuxMakesUpTheTotal(t *testing.T) {
	vmtest.IcountGuest(t)
	requireLSMs(t, "selinux")
	r := calibratedForFunctions(t)
	op, err := openClose(2)()
	if err != nil {
		t.Fatal(err)
	}
	defer op.Close()
	total := r.byEnforcer(t, op, functionsOn(t, "file_open", tracer.Total), false)[tracer.Total]
	parts := r.byEnforcer(t, op, functionsOn(t, "file_open"), false)
	t.Logf("security_file_open takes %.0f instructions, its parts %v", total, parts)
	if parts["selinux"] <= 0 || parts[tracer.Total] <= 0 {
		t.Error("SELinux or the framework takes nothing")
	}
	if !near(parts["selinux"]+parts[tracer.Total], total, 0.03) {
		t.Error("SELinux and the framework are more than 3 % off the total")
	}
}
