package cli

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
)

// TestReportOnFleet: three profiles, or --fleet, are a fleet; a node that does not answer is named and left out.
func TestReportOnFleet(t *testing.T) {
	onHost(t)
	dir := t.TempDir()
	t.Chdir(dir)
	for i, name := range []string{"a.pb.gz", "b.pb.gz", "c.pb.gz"} {
		writeProfile(t, name, 10*(i+1))
	}
	if err := os.WriteFile("broken.pb.gz", []byte("broken"), 0o644); err != nil {
		t.Fatal(err)
	}
	token := filepath.Join(dir, "token")
	if err := os.WriteFile(token, []byte("s3cret"), 0o600); err != nil {
		t.Fatal(err)
	}
	node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer s3cret" {
			http.Error(w, "no token", http.StatusUnauthorized)
			return
		}
		http.ServeFile(w, r, filepath.Join(dir, "c.pb.gz"))
	}))
	defer node.Close()
	down := httptest.NewServer(http.NotFoundHandler())
	down.Close()
	url := node.URL + "/debug/pprof/lsm?seconds=1"
	testReports(t, []reportTest{
		{"a.pb.gz b.pb.gz c.pb.gz", exitOK, "wrote lsmprof-fleet.html", "lsmprof-fleet.html"},
		{
			"--fleet a.pb.gz -o out --format text,json", exitOK, "wrote out/lsmprof-fleet.txt",
			"out/lsmprof-fleet.json",
		},
		{"--fleet a.pb.gz b.pb.gz --format text -o -", exitOK, "What vArmor cost on 2 nodes", ""},
		{"a.pb.gz b.pb.gz --format text -o -", exitOK, "What changed", ""},
		{"a.pb.gz b.pb.gz broken.pb.gz --format text -o -", exitOK, "left out: broken.pb.gz: not a", ""},
		{"a.pb.gz b.pb.gz c.pb.gz --format md", exitUsage, "html, text or json", ""},
		{"a.pb.gz b.pb.gz c.pb.gz --force", exitUsage, "not a fleet", ""},
		{"--fleet broken.pb.gz", exitFailed, "no profile could be read", ""},
		{"--fleet .", exitUsage, "is a directory", ""},
		{"--fleet", exitUsage, "0 arguments", ""},
		{"--fleet a.pb.gz " + url + " --token-file token --format text -o -", exitOK, "on 2 nodes", ""},
		{"--fleet a.pb.gz " + url + " --token-file token -o -", exitOK, "token crosses the network", ""},
		{"--fleet a.pb.gz " + url + " --format text -o -", exitOK, "401 Unauthorized: no token", ""},
		{"--fleet a.pb.gz " + down.URL + " --format text -o -", exitOK, "Left out: 1 profile, ", ""},
		{url + " --token-file token --format text -o -", exitOK, "Hooks took 30.0 µs in 1.00 s", ""},
		{"a.pb.gz " + url + " --token-file token --format text -o -", exitOK, "+20.0 µs by more calls", ""},
		{url + " --token-file token", exitOK, "wrote lsmprof-127.0.0.1-", ""},
		{down.URL, exitFailed, "connection refused", ""},
		{url + " --token-file nothing", exitUsage, "no such file", ""},
		{"a.pb.gz --token-file token", exitUsage, "are for URLs", ""},
		{"a.pb.gz", exitOK, "wrote a.html", "a.html"},
	})
}
