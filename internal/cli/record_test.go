package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/enforcer/reference"
	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/internal/vmtest"
	"github.com/lsmprof/lsmprof/profile"
)

// loadedReference is loaded once, because an emulated machine takes seconds to verify it.
var loadedReference = sync.OnceValues(reference.Load)

// startReference attaches the reference enforcer with a policy for each of the namespaces, until the test ends.
func startReference(t *testing.T, policies map[uint32]enforcer.Rules) *reference.Enforcer {
	t.Helper()
	e, err := loadedReference()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for ns := range policies {
			e.Release(ns)
		}
		e.Detach()
	})
	for ns, rules := range policies {
		if err := e.Confine(ns, reference.Policy{Fillers: rules}); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Attach(); err != nil {
		t.Fatal(err)
	}
	return e
}

// liveRecord is `lsmprof record` that runs in this process.
type liveRecord struct {
	t              *testing.T
	stdout, stderr bytes.Buffer
	exit           chan int
	stop           *os.File
	doc            *profile.Document // set by finish
	missed         uint64            // calls that the probes did not see; set by finish
}

// startRecord runs record for the whole machine until finish is called. It returns when record measures.
func startRecord(t *testing.T, args ...string) *liveRecord {
	t.Helper()
	ready := filepath.Join(t.TempDir(), "ready")
	stdin, stop, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r := &liveRecord{t: t, exit: make(chan int, 1), stop: stop}
	args = append([]string{"record", "--json", "-o", "-", "--calibration", "off", "--ready-file", ready}, args...)
	args = append(args, "--all", "--", "cat") // ends when its input does
	t.Cleanup(func() { stop.Close() })
	go func() {
		defer stdin.Close()
		r.exit <- Main(args, stdin, &r.stdout, &r.stderr)
	}()
	for range 600 {
		if _, err := os.Stat(ready); err == nil {
			return r
		}
		select {
		case code := <-r.exit:
			t.Fatalf("record: exit status %d: %s", code, r.stderr.String())
		case <-time.After(100 * time.Millisecond):
		}
	}
	t.Fatal("record was not ready after a minute")
	return nil
}

// finish ends the recording and returns the rows of its document.
func (r *liveRecord) finish() []profile.DocumentRow {
	r.t.Helper()
	r.stop.Close()
	if code := <-r.exit; code != 0 {
		r.t.Fatalf("record: exit status %d: %s", code, r.stderr.String())
	}
	doc, err := profile.ReadJSON(&r.stdout)
	if err != nil {
		r.t.Fatal(err)
	}
	r.doc = doc
	r.missed = doc.Completeness.Missed
	if r.missed > 0 && !kernel.Preempts() {
		r.t.Errorf("%d calls were missed by a kernel that does not preempt its own code", r.missed)
	}
	return doc.Rows
}

// all reports whether seen are all of want calls. Missed calls may be among them: it is unknown whose they were.
func (r *liveRecord) all(seen, want uint64) bool { return seen <= want && want <= seen+r.missed }

// rulesText returns the number of rules of a row, or "unknown".
func rulesText(n *int) string {
	if n == nil {
		return "unknown"
	}
	return strconv.Itoa(*n)
}

// calls sums the rows of a workload by `syscall hook rules`.
func calls(rows []profile.DocumentRow, mntns uint32) map[string]uint64 {
	out := map[string]uint64{}
	for _, r := range rows {
		if r.MntNS == mntns {
			out[r.Syscall+" "+r.Hook+" "+rulesText(r.Rules)] += r.Seen
		}
	}
	return out
}

func TestRecordCountsExactly(t *testing.T) {
	vmtest.Guest(t)
	confined, free := startWorkload(t), startWorkload(t)
	startReference(t, map[uint32]enforcer.Rules{confined.mntns: {File: 8, Exec: 4, Net: 2, Mount: 1}})

	r := startRecord(t)
	load := []struct {
		operation, key string
		times          int
	}{
		{"openat", "openat file_open %d", 1000},
		{"execve", "execve bprm_check_security %d", 200},
		{"connect", "connect socket_connect %d", 300},
		{"socket", "socket socket_create %d", 50},
		{"rename", "renameat path_rename %d", 100},
		{"symlink", "symlinkat path_symlink %d", 30},
		{"link", "linkat path_link %d", 20},
		{"mount", "mount sb_mount %d", 5},
		{"umount2", "umount2 sb_umount %d", 5},
	}
	rules := []int{8, 4, 2, 2, 8, 8, 8, 1, 1}
	for _, op := range load {
		confined.do(op.operation, op.times)
		free.do(op.operation, op.times)
	}
	rows := r.finish()
	for i, op := range load {
		for _, w := range []struct {
			name  string
			mntns uint32
			rules int
		}{{"confined", confined.mntns, rules[i]}, {"free", free.mntns, 0}} {
			key := fmt.Sprintf(op.key, w.rules)
			if got := calls(rows, w.mntns)[key]; !r.all(got, uint64(op.times)) {
				t.Errorf("%s: %s: %d calls, want %d; all: %v",
					w.name, key, got, op.times, calls(rows, w.mntns))
			}
		}
	}
	if t.Failed() {
		t.Log(r.stderr.String())
	}
}

// recordJSON runs record with a command in a process of its own, and returns its document and its exit status.
func recordJSON(t *testing.T, args ...string) (*profile.Document, int) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := lsmprof(append([]string{"record", "--json", "-o", "-", "--calibration", "off"}, args...)...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	doc, err := profile.ReadJSON(&stdout)
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	return doc, cmd.ProcessState.ExitCode()
}

// By default only a command and the processes that it starts are measured.
func TestRecordMeasuresTheProcessTreeOfACommand(t *testing.T) {
	vmtest.Guest(t)
	neighbour := startWorkload(t)
	startReference(t, map[uint32]enforcer.Rules{neighbour.mntns: {File: 8}})
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	stop, stopped := make(chan struct{}), make(chan error)
	go func() {
		var err error
		for err == nil {
			select {
			case <-stop:
				stopped <- nil
				return
			case <-time.After(20 * time.Millisecond):
				err = neighbour.try("rename", 10)
			}
		}
		stopped <- err
	}()
	defer func() {
		close(stop)
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	}()
	work := fmt.Sprintf("echo rename 100 | %s= %s=1 %s >/dev/null", lsmprofEnv, workloadEnv, self)
	done := filepath.Join(t.TempDir(), "done")
	orphan := fmt.Sprintf("sh -c '(%s; echo >%s) & :'; while [ ! -e %s ]; do :; done", work, done, done)
	for _, c := range []struct {
		name, script     string
		renames, execves uint64
	}{
		// The shell's own execve, and one for each time that the work starts a binary.
		{"two children at once", work + " & " + work + " & wait", 200, 3},
		{"a child of a child", "sh -c 'sh -c \"" + work + "\"; :'; :", 100, 4},
		{"an orphan", orphan, 100, 3},
		{"nothing", ":", 0, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.name != "two children at once" {
				vmtest.OnOneKernel(t)
			}
			doc, status := recordJSON(t, "--", "sh", "-c", c.script+"; exit 7")
			if status != 7 {
				t.Errorf("exit status %d, want that of the command, 7", status)
			}
			var renames, execves uint64
			for _, row := range doc.Rows {
				switch {
				case row.MntNS == neighbour.mntns, row.Workload == "[lsmprof]":
					t.Errorf("calls by %s are in the recording: %s", row.Workload, row.Hook)
				case row.Hook == "path_rename":
					renames += row.Seen
				case row.Hook == "bprm_check_security":
					execves += row.Seen
				}
			}
			missed := doc.Completeness.Missed
			if missed > 0 && !kernel.Preempts() {
				t.Errorf("%d calls were missed by a kernel that does not preempt its own code", missed)
			}
			for what, n := range map[string][2]uint64{
				"renames": {renames, c.renames}, "execves": {execves, c.execves},
			} {
				if got, want := n[0], n[1]; got > want || got+missed < want {
					t.Errorf("%d %s, want %d; %d calls missed", got, what, want, missed)
				}
			}
		})
	}
	t.Run("--all", func(t *testing.T) {
		vmtest.OnOneKernel(t)
		doc, _ := recordJSON(t, "--all", "--", "sleep", "1")
		theirs := func(r profile.DocumentRow) bool { return r.MntNS == neighbour.mntns }
		if !slices.ContainsFunc(doc.Rows, theirs) {
			t.Error("the neighbour is not in the recording of the whole machine")
		}
	})
}
