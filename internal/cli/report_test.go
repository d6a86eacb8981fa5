package cli

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const sampleRun = "../../docs/sample/run"

// onHost skips the test in guests, which have only this package's testdata. A report needs no kernel.
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

// slowed copies the sample's run, with one slower cell and other changes to its plan.
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
	edit(t, filepath.Join(dir, "run.json"),
		func(line string) string { return strings.NewReplacer(plan...).Replace(line) })
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
	code, stdout, stderr := runReport(sampleRun, "-o", dir, "--format", "html,md,text,json,csv")
	if code != exitOK || stdout != "" {
		t.Fatalf("exit %d: %s%s", code, stdout, stderr)
	}
	for _, name := range []string{
		"report.html", "report.md", "report.txt", "report.json", "scores.csv",
		"hooks.csv", "rules.csv", "rounds.csv",
	} {
		got, err := os.ReadFile(filepath.Join(dir, name))
		want, wantErr := os.ReadFile(filepath.Join(sampleRun, "..", name))
		if err != nil || wantErr != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not the sample's (%v, %v)", name, err, wantErr)
		}
		if !strings.Contains(stderr, "wrote "+filepath.Join(dir, name)) {
			t.Errorf("%s is not named: %s", name, stderr)
		}
	}
	if code, stdout, _ := runReport(sampleRun, "-o", "-", "--format", "md"); code != exitOK ||
		!strings.HasPrefix(stdout, "# What the reference enforcer costs\n") {
		t.Errorf("exit %d: %.100s", code, stdout)
	}
}

// Without --output the report is written to the run directory, next to the one that it replaces.
func TestReportKeepsTheEarlierOne(t *testing.T) {
	onHost(t)
	run := slowed(t, "")
	page := filepath.Join(run, "report.md")
	for i, want := range []string{"wrote " + page + "\n", "wrote " + page + " (kept the earlier one as " + page +
		".old)\n"} {
		if code, _, stderr := runReport(run, "--format", "md"); code != exitOK || stderr != want {
			t.Errorf("report %d: exit %d: %s, want %s", i+1, code, stderr, want)
		}
	}
}

func TestReportCompares(t *testing.T) {
	onHost(t)
	same := slowed(t, "")
	// Ops with another digit in front are several times as many: the baseline's copy is slower then, in the run
	// where it is old.
	faster := slowed(t, "9")
	other := slowed(t, "", `"kernel": "6.1`, `"kernel": "6.12`)
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"nothing changed": {[]string{sampleRun, same, "--fail-over", "1%"}, exitOK, ""},
		"it got faster":   {[]string{sampleRun, faster, "--fail-over", "1%"}, exitOK, ""},
		"it got slower": {
			[]string{faster, sampleRun, "--fail-over", "1%"},
			exitRegression,
			"lsmprof: execl under rules=8 lost",
		},
		"another kernel":   {[]string{sampleRun, other}, exitFailed, "kernel: 6.1.0"},
		"forced":           {[]string{sampleRun, other, "--force", "--fail-over", "1%"}, exitOK, ""},
		"a limit, one run": {[]string{sampleRun, "--fail-over", "1%"}, exitUsage, "two runs"},
		"no run":           {nil, exitUsage, "or an old and a new one"},
		"three runs": {
			[]string{sampleRun, sampleRun, sampleRun},
			exitUsage,
			"a fleet is made of profiles",
		},
		"a format": {
			[]string{sampleRun, "--format", "pdf"},
			exitUsage,
			"must be html, md, text, json or csv",
		},
		"several to -": {
			[]string{sampleRun, "-o", "-", "--format", "md,json"},
			exitUsage,
			"takes a single format",
		},
		"a file for -o": {
			[]string{sampleRun, "-o", "page.html"},
			exitUsage,
			"-o page.html: must be a directory",
		},
		"not there":        {[]string{"/nonexistent"}, exitFailed, "makes a run directory"},
		"no directory":     {[]string{sampleRun + "/run.json"}, exitFailed, "run.json is not a profile"},
		"no run directory": {[]string{"."}, exitFailed, "not a run directory"},
		"for all to see":   {[]string{sampleRun, "--http", "0.0.0.0:0"}, exitUsage, "not a loopback address"},
		"no port":          {[]string{sampleRun, "--http", "localhost"}, exitUsage, "want HOST:PORT"},
	} {
		t.Run(name, func(t *testing.T) {
			code, _, stderr := runReport(append(c.args, "-o", t.TempDir())...)
			if name == "several to -" || name == "a file for -o" {
				code, _, stderr = runReport(c.args...)
			}
			if code != c.code || !strings.Contains(stderr, c.want) {
				t.Errorf("exit %d, want %d: %s", code, c.code, stderr)
			}
		})
	}
}

// serveSample starts `report --http` and returns the address that it prints.
func serveSample(t *testing.T) string {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	in, out := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- dispatch(ctx, streams{out: io.Discard, err: out}, []string{
			"report", sampleRun, "--http",
			"localhost:0",
		})
		out.Close()
	}()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	line, err := bufio.NewReader(in).ReadString('\n')
	_, address, found := strings.Cut(strings.TrimSuffix(line, " until Ctrl-C\n"), "serving ")
	if err != nil || !found {
		t.Fatalf("%q: %v", line, err)
	}
	return address
}

func TestReportServes(t *testing.T) {
	onHost(t)
	address := serveSample(t)
	base, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		path   string // below the address, or absolute
		header http.Header
		host   string
		code   int
		want   string
	}{
		"the page": {path: "", code: http.StatusOK, want: "What the reference enforcer costs"},
		"its links": {
			path: "", code: http.StatusOK,
			want: `<a href="pprof/6/flamegraph">pprof: rules=8</a>`,
		},
		"a flame graph": {path: "pprof/6/flamegraph", code: http.StatusOK, want: "path_rename"},
		"a top list":    {path: "pprof/6/top", code: http.StatusOK, want: "path_rename"},
		"callers":       {path: "pprof/6/peek?f=path_rename", code: http.StatusOK, want: "path_rename"},
		"its own origin": {
			path: "", header: http.Header{"Origin": {"http://" + base.Host}},
			code: http.StatusOK,
		},
		"without the token": {path: "/", code: http.StatusNotFound},
		"another token":     {path: "/AAAAAAAAAAAAAAAAAAAAAAAAAA/", code: http.StatusNotFound},
		"another host":      {path: "", host: "example.invalid:" + base.Port(), code: http.StatusForbidden},
		"another port":      {path: "", host: "localhost:1", code: http.StatusForbidden},
		"another origin": {
			path: "", header: http.Header{"Origin": {"http://example.invalid"}},
			code: http.StatusForbidden,
		},
		"an opaque origin": {path: "", header: http.Header{"Origin": {"null"}}, code: http.StatusForbidden},
		"another site's tag": {
			path: "", header: http.Header{"Sec-Fetch-Site": {"cross-site"}},
			code: http.StatusForbidden,
		},
		"source code":        {path: "pprof/6/source?f=.", code: http.StatusNotFound},
		"machine code":       {path: "pprof/6/disasm?f=.", code: http.StatusNotFound},
		"Graphviz":           {path: "pprof/6/graph", code: http.StatusNotFound},
		"saved settings":     {path: "pprof/6/saveconfig?config=x", code: http.StatusNotFound},
		"deleted settings":   {path: "pprof/6/deleteconfig?config=x", code: http.StatusNotFound},
		"a file":             {path: "pprof/6/etc/passwd", code: http.StatusNotFound},
		"a scenario too far": {path: "pprof/99/top", code: http.StatusNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
				base.ResolveReference(mustParse(t, c.path)).String(), nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header, req.Host = c.header, c.host
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			body, err := io.ReadAll(res.Body)
			if err != nil || res.StatusCode != c.code || !strings.Contains(string(body), c.want) {
				t.Errorf("status %d, %.200q, %v; want %d and %q", res.StatusCode, body, err, c.code,
					c.want)
			}
			if c.code == http.StatusOK && res.Header.Get("Referrer-Policy") != "no-referrer" {
				t.Error("the address, which holds the token, gets into a Referer")
			}
		})
	}
}

func mustParse(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// A profile that names files of the machine does not make the server read them, and no request changes the user's
// settings of pprof.
func TestReportServesNoFiles(t *testing.T) {
	onHost(t)
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(home, ".config"))
	address := serveSample(t)
	for _, path := range []string{"source?f=.", "saveconfig?config=planted", "top?config=planted", "flamegraph"} {
		res, err := http.Get(address + "pprof/6/" + path) //nolint:gosec,noctx // an address of this test
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
	}
	if left, _ := filepath.Glob(filepath.Join(home, ".config", "*")); len(left) > 0 {
		t.Errorf("the requests left %q", left)
	}
}

// reportTest is a command line of report with what it leads to.
type reportTest struct {
	args   string
	status int
	want   string // in stdout or stderr
	file   string // that is written
}

func testReports(t *testing.T, tests []reportTest) {
	t.Helper()
	for _, test := range tests {
		status, out, stderr := runReport(strings.Fields(test.args)...)
		if printed := out + stderr; status != test.status || !strings.Contains(printed, test.want) {
			t.Errorf("%s: status %d, want %d and %q in\n%s", test.args, status, test.status, test.want,
				printed)
		}
		if test.file != "" {
			if _, err := os.Stat(test.file); err != nil {
				t.Errorf("%s: %v", test.args, err)
			}
		}
	}
}
