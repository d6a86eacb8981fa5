package cli

import (
	"fmt"
	"testing"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/vmtest"
)

// Filters keep everything else out, and keep everything that passes.
func TestRecordFilters(t *testing.T) {
	vmtest.Guest(t)
	in, out := startWorkload(t), startWorkload(t)
	startReference(t, map[uint32]enforcer.Rules{in.mntns: {File: 8}})
	for _, c := range []struct {
		flags []string
		both  bool
	}{
		{flags: []string{"--mntns", fmt.Sprint(in.mntns)}},
		{flags: []string{"--pid", fmt.Sprint(in.cmd.Process.Pid)}},
		{flags: []string{"--pid", fmt.Sprint(in.cmd.Process.Pid), "--pid", fmt.Sprint(out.cmd.Process.Pid)}, both: true},
		{flags: []string{"--comm", "exe", "--mntns", fmt.Sprint(in.mntns)}},
		{flags: []string{"--comm", "exe"}, both: true},
	} {
		t.Run(fmt.Sprint(c.flags), func(t *testing.T) {
			r := startRecord(t, c.flags...)
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
				t.Errorf("calls of %d workloads, want %d: %v", len(got), len(want), got)
			}
		})
	}
}

// Only what was selected is probed at all.
func TestRecordSelectsPrograms(t *testing.T) {
	r := vmtest.Guest(t)
	if !r.AtLeast(5, 18) {
		t.Skip("before 5.18 hooks are probed")
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
