package host

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/internal/rundir"
)

// testsOf is the environment variable that makes TestTestsEndWithLsmprof run the tests of a kind.
const testsOf = "LSMPROF_TEST_KIND"

// Tests end with lsmprof, even if it is killed while they run.
func TestTestsEndWithLsmprof(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("mount namespaces need root")
	}
	if kind := os.Getenv(testsOf); kind != "" {
		runForever(t, rundir.Kind(kind))
		return
	}
	for _, kind := range []rundir.Kind{rundir.BuiltIn, rundir.Command} {
		t.Run(string(kind), func(t *testing.T) {
			work := t.TempDir()
			cmd := exec.Command("/proc/self/exe", "-test.run", "^TestTestsEndWithLsmprof$")
			cmd.Env = append(os.Environ(), testsOf+"="+string(kind), "WORK="+work)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			busy := func() bool { return len(processesIn(work)) > 0 }
			if !eventually(func() bool {
				_, err := os.Stat(filepath.Join(work,
					"started"))
				return err == nil
			}) || !busy() {
				t.Error("no test runs")
			}
			cmd.Process.Kill()
			cmd.Wait()
			if !eventually(func() bool { return !busy() }) {
				t.Errorf("processes %v run on after lsmprof was killed", processesIn(work))
				for _, pid := range processesIn(work) {
					syscall.Kill(pid, syscall.SIGKILL)
				}
			}
		})
	}
}

// runForever runs a test that does not end by itself.
func runForever(t *testing.T, kind rundir.Kind) {
	work := os.Getenv("WORK")
	test := rundir.Test{Name: "spin", Kind: kind, Run: "while :; do :; done"}
	if kind == rundir.BuiltIn {
		tests, err := BuiltinTests([]string{"syscall"})
		if err != nil {
			t.Fatal(err)
		}
		test = tests[0]
	}
	s, err := Open(t.Context(), &rundir.Plan{Tests: []rundir.Test{test}}, Options{WorkDir: work})
	if err != nil {
		t.Fatal(err)
	}
	w, err := s.ByKind()[kind].Start(t.Context(), test, 0)
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(100*time.Millisecond, func() { os.WriteFile(filepath.Join(work, "started"), nil, 0o600) })
	w.Slice(t.Context(), time.Hour, 0)
}

// processesIn returns the processes whose program or working directory is in dir.
func processesIn(dir string) (pids []int) {
	for _, name := range []string{"exe", "cwd"} {
		links, _ := filepath.Glob("/proc/[0-9]*/" + name)
		for _, link := range links {
			pid, _ := strconv.Atoi(strings.Split(link, "/")[2])
			if target, err := os.Readlink(link); err == nil && strings.HasPrefix(target, dir) &&
				!slices.Contains(pids, pid) {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

func eventually(f func() bool) bool {
	for range 6000 {
		if f() {
			return true
		}
		time.Sleep(50 * time.Millisecond)
	}
	return false
}
