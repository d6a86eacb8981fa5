package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/vmtest"
)

// A filter drops every call that does not match, and counts every call that does.
func TestRecordFilters(t *testing.T) {
	vmtest.Guest(t)
	in, out := startWorkload(t), startWorkload(t)
	startReference(t, map[uint32]enforcer.Rules{in.mntns: {File: 8}})
	inPID, outPID := fmt.Sprint(in.cmd.Process.Pid), fmt.Sprint(out.cmd.Process.Pid)
	for _, c := range []struct {
		flags []string
		both  bool
	}{
		{flags: []string{"--mntns", fmt.Sprint(in.mntns)}},
		{flags: []string{"--pid", inPID}},
		{flags: []string{"--pid", inPID, "--pid", outPID}, both: true},
		{flags: []string{"--comm", "exe", "--mntns", fmt.Sprint(in.mntns)}},
		{flags: []string{"--comm", "exe"}, both: true},
	} {
		t.Run(fmt.Sprint(c.flags), func(t *testing.T) {
			r := startRecord(t, append(c.flags, "--hook", "file_open")...)
			in.do("openat", 100)
			out.do("openat", 100)
			rows := r.finish()
			want := map[uint32]uint64{in.mntns: 100}
			if c.both {
				want[out.mntns] = 100
			}
			got := map[uint32]uint64{}
			for _, row := range rows {
				if row.Hook == "file_open" {
					got[row.MntNS] += row.Seen
				}
			}
			for _, w := range []*workload{in, out} {
				if !r.all(got[w.mntns], want[w.mntns]) {
					t.Errorf("mntns %d: %d calls, want %d", w.mntns, got[w.mntns], want[w.mntns])
				}
			}
			if len(got) > len(want) {
				t.Errorf("calls by %d workloads, want %d: %v", len(got), len(want), got)
			}
		})
	}
}

// Programs that are not selected are not even probed.
func TestRecordSelectsPrograms(t *testing.T) {
	r := vmtest.Guest(t)
	if !r.AtLeast(5, 18) {
		t.Skip("before 5.18 lsmprof probes hooks, not programs")
	}
	w := startWorkload(t)
	startReference(t, map[uint32]enforcer.Rules{w.mntns: {File: 8}})
	rec := startRecord(t, "--program", "ref_path_*", "--enforcer", "reference")
	w.do("openat", 10)
	w.do("rename", 10)
	w.do("link", 10)
	for _, row := range rec.finish() {
		if row.Program != "ref_path_rename" && row.Program != "ref_path_link" {
			t.Errorf("%s was measured", row.Program)
		}
		if row.MntNS == w.mntns && !rec.all(row.Seen, 10) {
			t.Errorf("%s: %d calls, want 10", row.Program, row.Seen)
		}
	}
}

// A filter that no call passes is an error. It names the calls without the filter, and keeps the earlier profile.
func TestFilterThatNothingPasses(t *testing.T) {
	vmtest.Guest(t)
	vmtest.OnOneKernel(t)
	w := startWorkload(t)
	startReference(t, map[uint32]enforcer.Rules{w.mntns: {File: 8}})
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
				if err := w.try("rename", 10); err != nil {
					t.Error(err)
					return
				}
			}
		}
	}()
	defer func() { close(stop); <-stopped }()
	profile := filepath.Join(t.TempDir(), "profile")
	if err := os.WriteFile(profile, []byte("earlier"), 0o644); err != nil {
		t.Fatal(err)
	}
	const seen = `in a second without it there were [0-9,]+ calls by .*exe.*; ` +
		`0 were denied, the slowest took [0-9.]+ `
	for _, c := range []struct{ args, want string }{
		{"record -d 300ms --comm nosuch", "^lsmprof: record: no call passed --comm nosuch; " + seen},
		{"record -d 300ms --pid 4000000000", "^lsmprof: no process 4000000000\n$"},
		{
			"trace -d 300ms --comm nosuch --slower-than 10s",
			"lsmprof: trace: no call passed --comm nosuch --slower-than 10s; " + seen,
		},
	} {
		args := append(strings.Fields(c.args), "--calibration", "off", "-o", profile)
		status, stderr := run(t, lsmprof(args...))
		if status != 1 || !regexp.MustCompile(c.want).MatchString(stderr) {
			t.Errorf("%s: exit status %d, stderr %q; want status 1 and %s", c.args, status, stderr, c.want)
		}
		if content, err := os.ReadFile(profile); err != nil || string(content) != "earlier" {
			t.Errorf("%s: the earlier profile has become %q (%v)", c.args, content, err)
		}
	}
}
