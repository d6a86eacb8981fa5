package report

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/rundir/rundirtest"
)

// A report on a hundred scenarios, twelve tests and fifty rounds takes less than two seconds of CPU time and little
// memory. The test measures the command as it is shipped.
func TestLargeRun(t *testing.T) {
	if testing.Short() { // under the race detector
		t.Skip("runs the command, which has no race detector")
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, largeRun(t)); err != nil {
		t.Fatal(err)
	}
	lsmprof := filepath.Join(dir, "lsmprof")
	build := exec.Command("go", "build", "-buildvcs=false", "-ldflags=-w", "-o", lsmprof, "../cmd/lsmprof")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	const limit, memory = 2 * time.Second, 200
	for try := 1; ; try++ {
		used, most := reportOn(t, lsmprof, dir)
		t.Logf("%v of CPU time, %d MB", used, most)
		switch {
		case most > memory || most == 0:
			t.Fatalf("a large run takes %d MB, want %d MB at most", most, memory)
		case used <= limit:
			return
		case try == 5: // another program may have the other half of a core, and the caches
			t.Fatalf("a large run takes %v of CPU time, want %v at most", used, limit)
		}
	}
}

// reportOn runs lsmprof report and returns its CPU time and its peak memory in MB.
func reportOn(t *testing.T, lsmprof, dir string) (used time.Duration, most int) {
	t.Helper()
	cmd := exec.Command(lsmprof, "report", dir, "-o", t.TempDir())
	var out bytes.Buffer
	cmd.Stderr = &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	peak := make(chan int)
	go func() { peak <- highWater(cmd.Process.Pid) }()
	err := cmd.Wait()
	most = <-peak >> 10
	if err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), most
}

// highWater follows a process until it ends and returns its peak memory in KiB. The peak that wait4 returns may be that
// of the process that forked it.
func highWater(pid int) (most int) {
	for {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		_, line, ok := bytes.Cut(status, []byte("VmHWM:"))
		if err != nil || !ok && most > 0 { // it ended, or is a zombie without memory
			return most
		}
		now := 0
		_, _ = fmt.Sscan(string(line), &now)
		most = max(most, now)
		time.Sleep(2 * time.Millisecond)
	}
}

// largeRun has the same profile in every cell: reading any other takes as long.
func largeRun(t testing.TB) fstest.MapFS {
	t.Helper()
	s := rundirtest.New(12, 100, 50)
	one := rundirtest.New(1, 2, 1).WithProfiles(t).Profiles[rundir.ProfilePath("rules=1", "test0")]
	for _, test := range s.Info.Plan.Tests {
		for _, in := range s.Info.Plan.Scenarios {
			if in.State == rundir.Installed {
				s.Profiles[rundir.ProfilePath(in.Name, test.Name)] = one
			}
		}
	}
	return s.Files(t)
}
