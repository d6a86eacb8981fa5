package report

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// A hundred scenarios, twelve tests and fifty rounds take less than two seconds, and little memory. It is the command as it is shipped
// that is measured, without the race detector that this test may have; and what counts is the time on a CPU: this machine may have
// others to serve.
func TestLargeRun(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, newSynthetic(12, 100, 50).withProfiles(t).files(t)); err != nil {
		t.Fatal(err)
	}
	lsmprof := filepath.Join(dir, "lsmprof")
	build := exec.Command("go", "build", "-buildvcs=false", "-o", lsmprof, "../cmd/lsmprof")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command(lsmprof, "report", dir, "-o", t.TempDir())
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
