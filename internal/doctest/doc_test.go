package doctest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// onHost matches commands that need neither root nor a kernel that can be profiled, and those that read the sample: a
// guest has no files of the repository.
var onHost = regexp.MustCompile(`^lsmprof (help|version|--version|completion|.*docs/sample/|bench --import|\w+ --help)`)

// pages returns the commands of README.md and of the pages below docs/.
func pages(t *testing.T, root string) (all []command) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, filepath.Join(root, "README.md")) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		page, _ := filepath.Rel(root, file)
		cmds, err := commands(page, string(text))
		if err != nil {
			t.Error(err)
		}
		all = append(all, cmds...)
	}
	if len(all) == 0 {
		t.Fatal("the pages show no command")
	}
	return all
}

func build(t *testing.T, pkg, to string) {
	t.Helper()
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-w", "-o", to, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", pkg, err, out)
	}
}

func TestCommandsOnTheHost(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	build(t, "github.com/lsmprof/lsmprof/cmd/lsmprof", filepath.Join(bin, "lsmprof"))
	work := t.TempDir() // reports are written here, beside the sample
	sample := os.DirFS(filepath.Join(root, "docs/sample"))
	if err := os.CopyFS(filepath.Join(work, "docs/sample"), sample); err != nil {
		t.Fatal(err)
	}
	for _, c := range pages(t, root) {
		if !onHost.MatchString(c.text) {
			continue
		}
		cmd := exec.Command("sh", "-c", c.text)
		cmd.Dir = work
		cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "COLUMNS=120", "NO_COLOR=1",
			"LC_ALL=C.UTF-8")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%v: %v\n%s", c, err, out)
			continue
		}
		c.compare(t, string(out), differ, exactly)
	}
}

// guestScript confines a busy workload with the reference enforcer, and then runs each command of the pages.
const guestScript = `set -u
cd /tmp
unshare -m sh -c 'while :; do cat /etc/passwd >file; mv file renamed; nc -w 1 127.0.0.1 9 </dev/null 2>/dev/null
	sleep 0.01; done' &
PID=$!
export PID
sleep 1
lsmprof enforce --rules 8 --pid $PID >/tmp/enforcing 2>&1 &
until [ -s /tmp/enforcing ]; do sleep 0.2; kill -0 $! || { cat /tmp/enforcing; exit 1; }; done
`

// Numbers differ a little even in a guest that counts instructions, and rows of nearly the same cost may change places,
// but commands, columns, rows and words must be those of the page.
func TestCommandsInAGuest(t *testing.T) {
	if os.Getenv("LSMPROF_VM") == "" {
		t.Skip("boots a guest: set LSMPROF_VM=1")
	}
	var run []command
	script := strings.Builder{}
	script.WriteString(guestScript)
	for _, c := range pages(t, "../..") {
		text, root := strings.CutPrefix(c.text, "sudo ")
		if onHost.MatchString(c.text) || !root && !strings.HasPrefix(text, "lsmprof ") {
			continue
		}
		fmt.Fprintf(&script, "echo; echo '%s %d'; (mkdir %[2]d; cd %[2]d; %s) 2>&1\n", begin, len(run), text)
		fmt.Fprintf(&script, "status=$?; echo; echo \"%s $status\"\n", end)
		run = append(run, c)
	}
	bin := t.TempDir()
	build(t, "github.com/lsmprof/lsmprof/cmd/lsmprof", filepath.Join(bin, "lsmprof"))
	build(t, "github.com/lsmprof/lsmprof/internal/vmtest/cmd/vm", filepath.Join(bin, "vm"))
	file := filepath.Join(bin, "script")
	if err := os.WriteFile(file, []byte(script.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(bin, "vm"), "-icount", "-env", "COLUMNS=120", "-env", "LC_ALL=C.UTF-8",
		"-in", filepath.Join(bin, "lsmprof")+":/usr/local/bin/lsmprof", "-in", file+":/script",
		"--", "sh /script")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s\n%s", err, stderr.String(), out)
	}
	for i, c := range run {
		_, after, ok := strings.Cut(string(out), fmt.Sprintf("\n%s %d\n", begin, i))
		printed, tail, ended := strings.Cut(after, "\n"+end+" ")
		if !ok || !ended {
			t.Errorf("%v: did not run", c)
			continue
		}
		if status := strings.SplitN(tail, "\n", 2)[0]; status != "0" {
			t.Errorf("%v: exit status %s\n%s", c, status, printed)
			continue
		}
		c.compare(t, printed, differAnywhere, roughly)
	}
}

const begin, end = "=====begin", "=====end"

// compare fails the test if the page shows what the command did not print.
func (c command) compare(t *testing.T, printed string,
	differ func(want, got []string, normalize func(string) string) string, normalize func(string) string,
) {
	t.Helper()
	var got []string
	if text := strings.TrimSuffix(printed, "\n"); text != "" {
		got = strings.Split(text, "\n")
	}
	if line := differ(c.want, got, normalize); line != "" {
		t.Errorf("%v: the page shows a line that is not printed:\n%s\nthe command prints:\n%s", c, line,
			printed)
	}
}
