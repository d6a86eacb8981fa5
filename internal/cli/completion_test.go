package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// bash runs the script that `lsmprof completion bash` prints, and completes lines with it.
func TestBashCompletes(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash")
	}
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(dir, "lsmprof")); err != nil {
		t.Fatal(err)
	}
	const script = `source <(lsmprof completion bash)
COMP_LINE="$1" COMP_POINT=${#1}
_lsmprof 2>/dev/null
echo "${COMPREPLY[*]}"`
	for line, want := range map[string]string{
		"lsmprof re":                             "record report",
		"lsmprof completion ":                    "bash zsh fish",
		"lsmprof record --form":                  "--format",
		"lsmprof record --format=j":              "json",
		"lsmprof trace --syscall openat,renamea": "openat,renameat openat,renameat2",
		"lsmprof record --output ":               "",
	} {
		cmd := exec.Command(bash, "-c", script, "bash", line)
		cmd.Env = append(os.Environ(), lsmprofEnv+"=1", "PATH="+dir+":"+os.Getenv("PATH"))
		out, err := cmd.CombinedOutput()
		if got := strings.TrimSuffix(string(out), "\n"); err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", line, got, err, want)
		}
	}
}
