package cli

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lsmprof/lsmprof/internal/cri"
	"github.com/lsmprof/lsmprof/internal/cri/critest"
	"github.com/lsmprof/lsmprof/internal/rundir"
)

func TestBenchInAContainer(t *testing.T) {
	if err := critest.Available(); err != nil {
		t.Skip(err)
	}
	c := critest.Start(t, "")
	pod := c.Pod("shop", "web-0", nil, "").Container("app", critest.App).Container("bare", critest.Bare)
	dir := filepath.Join(t.TempDir(), "run")
	// A container without a shell; execl needs its program, spawn has children.
	out, _ := runBench(t, 0, "--runtime-endpoint", c.Socket, "--pod", "shop/web-0/bare", "--enforcer", "none",
		"--same", "2",
		"--tests", "execl,spawn,syscall", "--runs", "1", "--slice", "5ms", "--warmup", "1ms",
		"--dir", dir, "-o", "json")
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
	all := r.Containers()
	bare := slices.IndexFunc(all, func(c cri.Container) bool { return c.ID == pod.Containers["bare"] })
	if bare < 0 {
		t.Fatalf("%s is not among %+v", pod.Containers["bare"], all)
	}
	if left, err := filepath.Glob(fmt.Sprintf("/proc/%d/root/tmp/*", all[bare].PID)); err != nil || len(left) > 0 {
		t.Errorf("left in the container: %v, %v", left, err)
	}

	// Commands need a shell there, and are what the container sees.
	out, _ = runBench(t, 0, "--runtime-endpoint", c.Socket, "--pod", "shop/web-0/app", "--enforcer", "none",
		"--same", "2",
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
		{[]string{"--container", "0123", "--unixbench", "/"}, 2, "--test"},
		{[]string{"--pod", "shop/web-0/bare", "--test", "name=x; run=true"}, 1, "/bin/sh"},
		{
			[]string{"--pod", "shop/web-0/app", "--test", "name=x; run=echo no >&2;; exit 3"},
			1,
			"exit status 3: no",
		},
		{[]string{"--container", "0123", "--pod", "a/b"}, 2, "give one"},
	} {
		args := append([]string{
			"--runtime-endpoint", c.Socket, "--enforcer", "none", "--dir",
			filepath.Join(t.TempDir(), "run"),
		}, test.flags...)
		if _, stderr := runBench(t, test.code, args...); !strings.Contains(stderr, test.want) {
			t.Errorf("%v: %s, want %q", test.flags, stderr, test.want)
		}
	}
}
