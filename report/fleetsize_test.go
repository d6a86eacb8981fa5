package report

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/profile"
)

// manyRows returns a profile with that number of rows, all of different kinds of calls: the worst case.
func manyRows(t *testing.T, rows int) []byte {
	t.Helper()
	s := profile.Snapshot{Duration: 15 * time.Second, Calibration: profile.Calibration{
		Runs: 9, Bias: profile.Median{Value: 100}, Dispatch: profile.Median{Value: 50},
	}}
	for i := range 20 {
		s.Programs = append(s.Programs, profile.Program{
			Name: fmt.Sprint("program", i), Hook: fmt.Sprint("hook", i), Enforcer: "varmor",
			Timed: uint64(rows / 20),
		})
	}
	for i := range rows {
		pod := i / 200
		r := profile.Row{
			Program: i % 20, Syscall: fmt.Sprint("syscall", i/20%10), Rules: i % 9, Sum: 1000 + uint64(i),
			Workload: profile.Workload{
				MntNS: uint32(pod), Comm: "nginx", Namespace: fmt.Sprint("team", pod),
				Pod:       fmt.Sprint("web", pod),
				Container: "nginx", ContainerID: fmt.Sprintf("%064d", pod), Image: "nginx:1",
			},
		}
		r.Readings.Add(1000 + uint64(i))
		s.Rows = append(s.Rows, r)
	}
	var b bytes.Buffer
	if err := s.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A report on 200 profiles of 10,000 rows takes less than 10 s of CPU time and 500 MB. It is made in a process of its
// own: what other tests took of the memory does not count.
func TestLargeFleet(t *testing.T) {
	const variable = "LSMPROF_TEST_FLEET"
	if file := os.Getenv(variable); file != "" {
		var f Fleet
		for i := range 200 {
			p, err := os.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := f.Add(fmt.Sprint("node", i), "", p); err != nil {
				t.Fatal(err)
			}
			p.Close()
		}
		r := f.Report()
		for _, write := range []func(io.Writer) error{r.WriteHTML, r.WriteText, r.WriteJSON} {
			if err := write(io.Discard); err != nil {
				t.Fatal(err)
			}
		}
		return
	}
	if testing.Short() {
		t.Skip("takes seconds, and much longer under the race detector")
	}
	file := filepath.Join(t.TempDir(), "node.pb.gz")
	if err := os.WriteFile(file, manyRows(t, 10_000), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestLargeFleet$")
	cmd.Env = append(os.Environ(), variable+"="+file)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	took := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	memory := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss * 1024
	t.Logf("%v of CPU time, %d MB", took, memory/1e6)
	if took > 10*time.Second || memory > 500e6 {
		t.Errorf("%v of CPU time and %d MB, want 10 s and 500 MB at most", took, memory/1e6)
	}
}
