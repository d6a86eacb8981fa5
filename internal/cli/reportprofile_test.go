package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lsmprof/lsmprof/profile"
)

// writeProfile writes a profile of some opens.
func writeProfile(t *testing.T, path string, opens int) {
	t.Helper()
	row := profile.Row{Syscall: "openat", Workload: profile.Workload{MntNS: 1, Comm: "sh"}, Rules: 8}
	for range opens {
		row.Readings.Add(1000)
		row.Sum += 1000
	}
	var b bytes.Buffer
	if err := (profile.Snapshot{
		Duration: 1e9,
		Programs: []profile.Program{{Name: "p", Hook: "file_open", Enforcer: "varmor", Timed: uint64(opens)}},
		Rows:     []profile.Row{row},
	}).Write(&b); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestReportOnProfiles(t *testing.T) {
	onHost(t)
	dir := t.TempDir()
	older, newer := filepath.Join(dir, "old.pb.gz"), filepath.Join(dir, "new.pb.gz")
	writeProfile(t, older, 10)
	writeProfile(t, newer, 20)
	cpu := filepath.Join(dir, "garbage.pb.gz")
	if err := os.WriteFile(cpu, []byte("garbage"), 0o644); err != nil {
		t.Fatal(err)
	}
	run := "../../docs/sample/run"
	for _, test := range []struct {
		args   string
		status int
		want   string // in stdout or stderr
		file   string // that is written
	}{
		{newer, 0, "wrote", "new.html"},
		{older + " " + newer + " --format json,text", 0, "wrote", "new.json"},
		{newer + " --format text -o -", 0, "Hooks took 20.0 µs in 1.00 s", ""},
		{older + " " + newer + " --format text -o -", 0, "+10.0 µs by more calls", ""},
		{newer + " --format md", exitUsage, "html, text or json", ""},
		{newer + " " + run, exitFailed, "a run directory and a profile cannot be compared", ""},
		{older + " " + newer + " --fail-over 1%", exitFailed, "for run directories", ""},
		{cpu, exitFailed, "garbage.pb.gz", ""},
		{dir + "/nothing", exitFailed, "no such file", ""},
	} {
		status, out, stderr := runReport(strings.Fields(test.args)...)
		if printed := out + stderr; status != test.status || !strings.Contains(printed, test.want) {
			t.Errorf("%s: status %d, want %d and %q in\n%s", test.args, status, test.status, test.want,
				printed)
		}
		if test.file != "" {
			if _, err := os.Stat(filepath.Join(dir, test.file)); err != nil {
				t.Errorf("%s: %v", test.args, err)
			}
		}
	}
}
