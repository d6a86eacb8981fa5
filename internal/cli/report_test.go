package cli

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const sampleRun = "../../docs/sample/run"

// onHost skips in guests, which have this package's testdata only: a report needs no kernel of theirs.
func onHost(t *testing.T) {
	if os.Getenv("LSMPROF_GUEST") != "" {
		t.Skip("tested on the host: a report needs no kernel")
	}
}

// runReport runs the command as a user does.
func runReport(args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = Main(append([]string{"report"}, args...), strings.NewReader(""), &out, &err)
	return code, out.String(), err.String()
}

// slowed copies the sample's run, with one cell slower and whatever else is to be changed in its plan.
func slowed(t *testing.T, factor string, plan ...string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(sampleRun)); err != nil {
		t.Fatal(err)
	}
	edit(t, filepath.Join(dir, "results.jsonl"), func(line string) string {
		if strings.Contains(line, `"test":"execl","scenario":"rules=8"`) {
			return strings.Replace(line, `"ops":`, `"ops":`+factor, 1)
		}
		return line
	})
	edit(t, filepath.Join(dir, "run.json"), func(line string) string { return strings.NewReplacer(plan...).Replace(line) })
	return dir
}

func edit(t *testing.T, file string, change func(line string) string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(data), "\n")
	for i := range lines {
		lines[i] = change(lines[i])
	}
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestReportWritesItsFormats(t *testing.T) {
	onHost(t)
	dir := filepath.Join(t.TempDir(), "new", "folder")
	code, stdout, stderr := runReport(sampleRun, "-o", dir, "--format", "html,md,json,csv")
	if code != exitOK || stdout != "" {
		t.Fatalf("exit %d: %s%s", code, stdout, stderr)
	}
	for _, name := range []string{"report.html", "report.md", "report.json", "scores.csv", "hooks.csv", "rules.csv", "rounds.csv"} {
		got, err := os.ReadFile(filepath.Join(dir, name))
		want, wantErr := os.ReadFile(filepath.Join(sampleRun, "..", name))
		if err != nil || wantErr != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not the sample's (%v, %v)", name, err, wantErr)
		}
		if !strings.Contains(stderr, "wrote "+filepath.Join(dir, name)) {
			t.Errorf("%s is not named: %s", name, stderr)
		}
	}
	if code, stdout, _ := runReport(sampleRun, "-o", "-", "--format", "md"); code != exitOK || !strings.HasPrefix(stdout, "# What the reference enforcer costs\n") {
		t.Errorf("exit %d: %.100s", code, stdout)
	}
}

func TestReportCompares(t *testing.T) {
	onHost(t)
	same := slowed(t, "")
	// Ops with another digit in front are several times as many: the baseline's copy is slower then, in the run where it is old.
	faster := slowed(t, "9")
	other := slowed(t, "", `"kernel": "6.1`, `"kernel": "6.12`)
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"nothing changed":  {[]string{sampleRun, same, "--fail-over", "1%"}, exitOK, ""},
		"it got faster":    {[]string{sampleRun, faster, "--fail-over", "1%"}, exitOK, ""},
		"it got slower":    {[]string{faster, sampleRun, "--fail-over", "1%"}, exitRegression, "lsmprof: execl under rules=8 lost"},
		"another kernel":   {[]string{sampleRun, other}, exitFailed, "kernel: 6.1.0"},
		"forced":           {[]string{sampleRun, other, "--force", "--fail-over", "1%"}, exitOK, ""},
		"a limit, one run": {[]string{sampleRun, "--fail-over", "1%"}, exitUsage, "two runs"},
		"no run":           {nil, exitUsage, "want one, or an old and a new one"},
		"three":            {[]string{"a", "b", "c"}, exitUsage, "3 run directories"},
		"a format":         {[]string{sampleRun, "--format", "pdf"}, exitUsage, "must be html, md, json or csv"},
		"several to -":     {[]string{sampleRun, "-o", "-", "--format", "md,json"}, exitUsage, "takes one format"},
		"not there":        {[]string{"/nonexistent"}, exitFailed, "makes a run directory"},
		"no directory":     {[]string{sampleRun + "/run.json"}, exitFailed, "is no directory"},
		"no run directory": {[]string{"."}, exitFailed, "not a run directory"},
		"for all to see":   {[]string{sampleRun, "--http", "0.0.0.0:0"}, exitUsage, "not a loopback address"},
		"no port":          {[]string{sampleRun, "--http", "localhost"}, exitUsage, "want HOST:PORT"},
	} {
		t.Run(name, func(t *testing.T) {
			code, _, stderr := runReport(append(c.args, "-o", t.TempDir())...)
			if name == "several to -" {
				code, _, stderr = runReport(c.args...)
			}
			if code != c.code || !strings.Contains(stderr, c.want) {
				t.Errorf("exit %d, want %d: %s", code, c.code, stderr)
			}
		})
	}
}

// The server answers with the page and pprof's, and only those who ask for this address.
func TestReportServes(t *testing.T) {
	onHost(t)
	ctx, stop := context.WithCancel(t.Context())
	in, out := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- reportCmd(ctx, streams{out: io.Discard, err: out}, []string{sampleRun, "--http", "localhost:0"})
		out.Close()
	}()
	line, err := bufio.NewReader(in).ReadString('\n')
	_, address, found := strings.Cut(strings.TrimSuffix(line, " until Ctrl-C\n"), "serving ")
	if err != nil || !found {
		t.Fatalf("%q: %v", line, err)
	}
	get := func(path, host string) (int, string) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, address+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = host
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		return res.StatusCode, string(body)
	}
	if code, body := get("", ""); code != http.StatusOK || !strings.Contains(body, "What the reference enforcer costs") || !strings.Contains(body, "pprof: rules=8") {
		t.Errorf("the page: %d, %.200s", code, body)
	}
	for _, path := range []string{"pprof/6/flamegraph", "pprof/6/top", "pprof/6/peek?f=path_rename"} {
		if code, body := get(path, ""); code != http.StatusOK || !strings.Contains(body, "path_rename") {
			t.Errorf("%s: %d, %.200s", path, code, body)
		}
	}
	if code, _ := get("pprof/6/etc/passwd", ""); code != http.StatusNotFound {
		t.Errorf("what is not there: %d", code)
	}
	if code, _ := get("", "example.invalid"); code != http.StatusForbidden {
		t.Errorf("another host: %d", code)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
