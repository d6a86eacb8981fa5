package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReportOnHistory(t *testing.T) {
	onHost(t)
	run, err := filepath.Abs(sampleRun)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	for i := range 4 {
		if err := os.CopyFS(fmt.Sprintf("runs/%d", i), os.DirFS(run)); err != nil {
			t.Fatal(err)
		}
		edit(t, fmt.Sprintf("runs/%d/run.json", i), func(line string) string {
			if strings.Contains(line, `"start"`) && strings.HasPrefix(line, "  \"") {
				return fmt.Sprintf(`  "start": "2026-03-0%dT00:00:00Z",`, i+1)
			}
			return line
		})
	}
	writeProfile(t, "runs/no-date.pb.gz", 10)
	if err := os.MkdirAll("empty", 0o755); err != nil {
		t.Fatal(err)
	}
	testReports(t, []reportTest{
		{"--history runs", exitOK, "wrote lsmprof-history.html", "lsmprof-history.html"},
		{
			"--history runs -o out --format json,text", exitOK, "left out: runs/no-date.pb.gz",
			"out/lsmprof-history.json",
		},
		{
			"--history runs/0 runs/1 --format text -o -", exitOK, "over 2 points, 1 March 2026",
			"",
		},
		{"--history runs --format text -o -", exitOK, "No change can be detected yet", ""},
		{"--history empty", exitFailed, "holds no run directory", ""},
		{"--history runs/no-date.pb.gz", exitFailed, "could be read", ""},
		{"--history nothing", exitFailed, "no such file", ""},
		{"--history --fleet runs", exitUsage, "exclude each other", ""},
		{"--history runs --fail-over 1%", exitUsage, "compare two runs", ""},
		{"--history http://localhost", exitUsage, "not URLs", ""},
		{"--history runs --format md", exitUsage, "html, text or json", ""},
	})
}
