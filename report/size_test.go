package report

import (
	"io"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/internal/rundir"
)

// childDir makes this test binary render the run directory in it, and nothing else.
const childDir = "REPORT_TEST_RENDER"

func TestMain(m *testing.M) {
	dir := os.Getenv(childDir)
	if dir == "" {
		os.Exit(m.Run())
	}
	run, err := rundir.Read(os.DirFS(dir))
	if err == nil {
		r := New(run)
		r.AddFlameGraphs(run, nil)
		err = r.WriteHTML(io.Discard)
	}
	if err != nil {
		panic(err)
	}
}

// A hundred scenarios, twelve tests and fifty rounds take a second or two, and little memory. What counts is the time on a CPU: this
// machine may have others to serve.
func TestLargeRun(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector takes its own time and memory")
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, newSynthetic(12, 100, 50).withProfiles(t).files(t)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	used := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	peak := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss >> 10
	t.Logf("%v of CPU time, %d MB", used, peak)
	if limit := 2 * time.Second; used > limit || peak > 200 {
		t.Errorf("a large run takes %v of CPU time and %d MB, want %v and 200 MB at most", used, peak, limit)
	}
}
