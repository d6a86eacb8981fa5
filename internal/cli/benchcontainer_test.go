package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lsmprof/lsmprof/internal/cri"
	"github.com/lsmprof/lsmprof/internal/cri/critest"
	"github.com/lsmprof/lsmprof/internal/rundir"
)

func TestFindContainer(t *testing.T) {
	all := []cri.Container{
		{ID: "aa11", Namespace: "shop", Pod: "web", Name: "nginx", PID: 10},
		{ID: "aa22", Namespace: "shop", Pod: "web", Name: "sidecar", PID: 11},
		{ID: "bb33", Namespace: "shop", Pod: "db", Name: "postgres", PID: 12},
		{ID: "cc44", Namespace: "shop", Pod: "db", PID: 13}, // its sandbox
		{ID: "dd55", Namespace: "x", Pod: "y", Name: "z"},
	}
	for name, want := range map[string]string{
		"aa2": "aa22", "shop/db": "bb33", "shop/web/nginx": "aa11",
		"shop/web": "!shop/web/nginx (aa11), shop/web/sidecar (aa22)", "aa": "!several", "cc44": "!no running container",
		"web": "!no running container", "x/y": "!does not tell its process",
	} {
		got, err := findContainer(all, name)
		if text, fails := strings.CutPrefix(want, "!"); fails {
			if err == nil || !strings.Contains(err.Error(), text) {
				t.Errorf("%s: %v, want %q", name, err, text)
			}
		} else if err != nil || got.ID != want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestBenchInAContainer(t *testing.T) {
	if err := critest.Available(); err != nil {
		t.Skip(err)
	}
	c := critest.Start(t, "")
	pod := c.Pod("shop", "web-0", nil, "").Container("app", critest.App).Container("bare", critest.Bare)
	dir := filepath.Join(t.TempDir(), "run")
	// A container without a shell; execl needs its program, spawn has children.
	out, _ := runBench(t, 0, "--runtime-endpoint", c.Socket, "--pod", "shop/web-0/bare", "--enforcer", "none", "--same", "2",
		"--tests", "execl,spawn,syscall", "--runs", "1", "--slice", "5ms", "--dir", dir, "-o", "json")
	var doc struct {
		Run   rundir.Info
		Cells []rundir.Cell
	}
	if err := json.Unmarshal([]byte(out), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Run.Plan.Container != "shop/web-0/bare" || len(doc.Cells) != 9 {
		t.Errorf("container %q, %d cells", doc.Run.Plan.Container, len(doc.Cells))
	}
	for _, cell := range doc.Cells {
		if cell.Score <= 0 {
			t.Errorf("%+v", cell)
		}
	}
	r := cri.New(c.Socket)
	defer r.Close()
	if err := r.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	bare, err := findContainer(r.Containers(), pod.Containers["bare"])
	if err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(fmt.Sprintf("/proc/%d/root/tmp/*", bare.PID)); err != nil || len(left) > 0 {
		t.Errorf("left in the container: %v, %v", left, err)
	}

	// Commands need a shell there, and are what the container sees.
	out, _ = runBench(t, 0, "--runtime-endpoint", c.Socket, "--pod", "shop/web-0/app", "--enforcer", "none", "--same", "2",
		"--test", `name=where; run=cat /proc/1/comm;; echo score 42; metric=score (\d+)`, "--runs", "2",
		"--dir", filepath.Join(t.TempDir(), "run"), "-o", "json")
	doc.Cells = nil
	if err := json.Unmarshal([]byte(out), &doc); err != nil {
		t.Fatal(err)
	}
	if len(doc.Cells) != 3 || doc.Cells[0].Score != 42 || doc.Cells[0].Rounds != 2 {
		t.Errorf("a command: %+v", doc.Cells)
	}

	for _, test := range []struct {
		flags []string
		code  int
		want  string
	}{
		{[]string{"--pod", "shop/web-0"}, 1, "shop/web-0/app"},
		{[]string{"--container", "0123"}, 1, "no running container"},
		{[]string{"--pod", "web-0"}, 2, "NAMESPACE/NAME"},
		{[]string{"--container", "0123", "--unixbench", "/x"}, 2, "--test"},
		{[]string{"--pod", "shop/web-0/bare", "--test", "name=x; run=true"}, 1, "/bin/sh"},
		{[]string{"--pod", "shop/web-0/app", "--test", "name=x; run=echo no >&2;; exit 3"}, 1, "exit status 3: no"},
		{[]string{"--container", "0123", "--pod", "a/b"}, 2, "give one"},
	} {
		args := append([]string{"--runtime-endpoint", c.Socket, "--enforcer", "none", "--dir", filepath.Join(t.TempDir(), "run")}, test.flags...)
		if _, stderr := runBench(t, test.code, args...); !strings.Contains(stderr, test.want) {
			t.Errorf("%v: %s, want %q", test.flags, stderr, test.want)
		}
	}
}

// Links that a container has where the program goes lead nowhere outside of it.
func TestNothingIsBroughtOutOfAContainer(t *testing.T) {
	outside, inside := t.TempDir(), t.TempDir()
	for link, target := range map[string]string{"tmp": outside, "var": "../.."} {
		if err := os.Symlink(target, filepath.Join(inside, link)); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(inside)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for _, dir := range []string{"tmp/x", "var/tmp/x"} {
		if err := (&containerSuite{root: root, dir: dir}).bring(); err == nil {
			t.Errorf("%s was made", dir)
		}
	}
	if made, err := os.ReadDir(outside); err != nil || len(made) > 0 {
		t.Errorf("outside: %v, %v", made, err)
	}
}
