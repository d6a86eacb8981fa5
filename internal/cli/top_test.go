package cli

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/top"
	"github.com/lsmprof/lsmprof/internal/vmtest"
)

// pane is a terminal in tmux.
type pane struct {
	t      *testing.T
	socket string
}

func (p pane) tmux(args ...string) string {
	p.t.Helper()
	cmd := exec.Command("tmux", append([]string{"-S", p.socket}, args...)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8") // tmux insists on UTF-8
	out, err := cmd.CombinedOutput()
	if err != nil {
		p.t.Fatalf("tmux %q: %v: %s", args, err, out)
	}
	return string(out)
}

// shows waits until the screen satisfies a condition. It calls meanwhile over and over.
func (p pane) shows(what string, meanwhile func(), holds func(screen string) bool) {
	p.t.Helper()
	var screen string
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); {
		meanwhile()
		if screen = p.tmux("capture-pane", "-p"); holds(screen) {
			return
		}
	}
	p.t.Fatalf("the terminal never showed %s:\n%s", what, screen)
}

func TestTopInATerminal(t *testing.T) {
	vmtest.Guest(t)
	vmtest.OnOneKernel(t)
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Skip("needs tmux in the guest: vm -with tmux")
	}
	w := startWorkload(t)
	startReference(t, map[uint32]enforcer.Rules{w.mntns: {File: 8}})
	p := pane{t, filepath.Join(t.TempDir(), "tmux")}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p.tmux("new-session", "-d", "-x", "120", "-y", "24", fmt.Sprintf(
		"%s=1 %s top --interval 300ms --calibration off; echo ended with $?; exec cat", lsmprofEnv, self))
	defer p.tmux("kill-server")

	load := func() { w.do("openat", 20) }
	idle := func() {}
	has := func(words ...string) func(string) bool {
		return func(screen string) bool {
			for _, w := range words {
				if !strings.Contains(screen, w) {
					return false
				}
			}
			return true
		}
	}
	p.shows("the workload", load, has("lsmprof top", "WORKLOAD", "LAST MINUTE", "complete: 100.00 %", "? help"))
	p.tmux("send-keys", "h")
	p.shows("the hook", load, has("by hook", "file_open"))
	p.tmux("send-keys", "s", "/", "o", "p", "e", "n", "Enter")
	p.shows("only openat", load, func(s string) bool {
		return has(`by syscall`, `only "open"`, " openat ")(s) && !strings.Contains(s, " bpf ")
	})
	p.tmux("send-keys", "Down", "Enter")
	p.shows("the hooks of openat", load, has("openat > by hook", "file_open"))
	p.tmux("send-keys", "Escape")
	p.shows("the syscalls again", load, has("by syscall", "openat"))
	p.tmux("send-keys", "f")
	p.shows("a frozen row", load, has("*openat"))
	p.tmux("resize-window", "-x", "60", "-y", "12")
	p.shows("fewer columns", load, func(s string) bool {
		return has("CALLS/S")(s) && !has("LAST MINUTE")(s) && !has("P50")(s)
	})
	p.tmux("send-keys", "?")
	p.shows("help", idle, has("freeze the selected row"))
	p.tmux("send-keys", "?", " ")
	p.shows("a pause", idle, has("PAUSED"))
	p.tmux("send-keys", "q")
	p.shows("the end, on the screen from before", idle, func(s string) bool {
		return has("ended with 0", "completeness:")(s) && !has("PAUSED")(s)
	})
}

func TestTopWithoutTerminal(t *testing.T) {
	vmtest.Guest(t)
	vmtest.OnOneKernel(t)
	w := startWorkload(t)
	startReference(t, map[uint32]enforcer.Rules{w.mntns: {File: 8}})
	ready := filepath.Join(t.TempDir(), "ready")
	cmd := lsmprof("top", "--json", "--by", "hook", "--calibration", "off", "--interval", "300ms",
		"--mntns", fmt.Sprint(w.mntns), "--ready-file", ready)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	waitForFile(t, ready)
	const times = 500
	w.do("openat", times)
	// Together the intervals contain every call exactly once.
	var calls uint64
	lines := bufio.NewScanner(out)
	for intervals := 0; calls < times && intervals < 100 && lines.Scan(); intervals++ {
		var doc struct {
			Schema string
			Rows   []struct {
				Name  string
				Calls uint64
			}
		}
		if err := json.Unmarshal(lines.Bytes(), &doc); err != nil || doc.Schema != top.Schema {
			t.Fatalf("%v in %s", err, lines.Text())
		}
		for _, r := range doc.Rows {
			if r.Name == "file_open" {
				calls += r.Calls
			}
		}
	}
	cmd.Process.Signal(os.Interrupt)
	if err := cmd.Wait(); err != nil || calls != times {
		t.Errorf("%d calls of file_open, want %d (%v)", calls, times, err)
	}
}
