package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
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

// loadedReference is loaded once: verifying it takes an emulated machine seconds.
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

// liveRecord is `lsmprof record` under way in this process.
type liveRecord struct {
	t              *testing.T
	stdout, stderr bytes.Buffer
	exit           chan int
	stop           *os.File
	doc            *profile.Document // set by finish
	missed         uint64            // invocations that the probes did not see; set by finish
}

// startRecord runs record until finish is called, and returns when it measures.
func startRecord(t *testing.T, args ...string) *liveRecord {
	t.Helper()
	ready := filepath.Join(t.TempDir(), "ready")
	stdin, stop, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r := &liveRecord{t: t, exit: make(chan int, 1), stop: stop}
	args = append([]string{"record", "-o", "json", "--output", "-", "--calibrate=off", "--ready-file", ready}, args...)
	args = append(args, "--", "cat") // ends when its input does
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
		r.t.Errorf("%d invocations were missed by a kernel that does not preempt its own code", r.missed)
	}
	return doc.Rows
}

// all says whether seen is every one of want invocations, but for those that were missed: of whom they were nobody knows.
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
				t.Errorf("%s: %s: %d calls, want %d; all: %v", w.name, key, got, op.times, calls(rows, w.mntns))
			}
		}
	}
	if t.Failed() {
		t.Log(r.stderr.String())
	}
}
