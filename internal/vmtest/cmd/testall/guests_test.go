package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/internal/vmtest"
)

func TestTestsThatRanOnTheHostAreSettled(t *testing.T) {
	h := newHost()
	h.settle("p", []test{
		{pkg: "p", name: "TestPure", action: "pass"},
		{pkg: "p", name: "TestBroken", action: "fail"},
		{pkg: "p", name: "TestKernel", action: "skip"},
		{pkg: "p", name: "TestHalf", action: "pass", partly: true},
		{pkg: "q", name: "TestOther", action: "pass"},
	})
	for name, want := range map[string]bool{
		"TestPure": true, "TestBroken": true, "TestKernel": false, "TestHalf": false, "TestUnknown": false,
	} {
		if got := h.has("p", name); got != want {
			t.Errorf("%s: settled %v, want %v", name, got, want)
		}
	}
	if h.has("q", "TestOther") {
		t.Error("a test of a package that still runs is settled")
	}
}

// A guest waits for the packages whose tests it runs, and for no others.
func TestNextBoot(t *testing.T) {
	h := newHost()
	lists := [][]string{{"a", "b"}, {"c"}}
	h.settle("a", nil)
	h.settle("c", nil)
	if got := h.next(lists); got != 1 {
		t.Errorf("list %d, want 1", got)
	}
	got := make(chan int)
	go func() { got <- h.next(lists[:1]) }()
	select {
	case i := <-got:
		t.Errorf("list %d although b has not run", i)
	case <-time.After(10 * time.Millisecond):
	}
	h.finish() // b was not built
	if i := <-got; i != 0 {
		t.Errorf("list %d, want 0", i)
	}
}

func TestPlan(t *testing.T) {
	pkgs := []kernelTests{
		{path: "small", tests: []string{"TestOne"}},
		{path: module + "internal/cli", tests: []string{
			"TestA", "TestB", "TestIcountCost", "TestTwoCPUsMeet", "TestContainerd",
			"TestCgroupV1Containerd",
			"TestCheckOnArm64",
		}},
		{path: module + "tracer", tests: []string{
			"TestT", "TestIcountLSMs", "TestIcountSELinux",
			"TestIcountT",
		}},
	}
	h := newHost()
	h.settle("small", nil)
	var got []string
	for _, b := range plan(pkgs, []string{"5.10", "6.1", "6.12", "newest", "newest-arm64", "6.1-arm64"},
		[]string{"6.1", "newest-arm64"}) {
		for _, p := range b.unsettled(h).parts {
			got = append(got, b.name(p)+" "+strings.Join(p.tests, ","))
		}
	}
	want := []string{
		"internal/cli [6.1 icount] TestIcountCost",
		"internal/cli [5.10] TestA,TestB,TestCheckOnArm64",
		"internal/cli [6.1 1/2] TestA,TestCheckOnArm64",
		"internal/cli [6.1 2/2] TestB",
		"internal/cli [6.1 containerd] TestContainerd",
		"internal/cli [newest] TestA,TestB,TestCheckOnArm64",
		"small [6.1] TestOne",
		"tracer [6.1] TestT",
		"tracer [6.1 icount] TestIcountT",
		"tracer [6.1 icount, AppArmor] TestIcountLSMs",
		"small [5.10] TestOne",
		"tracer [5.10] TestT",
		"small [6.12] TestOne",
		"tracer [6.12] TestT",
		"small [newest] TestOne",
		"tracer [newest] TestT",
		"internal/cli [newest-arm64] TestCheckOnArm64",
		"tracer [newest-arm64] TestT",
		"internal/cli [5.10 containerd, cgroup v1] TestCgroupV1Containerd",
		"tracer [6.1 icount, SELinux] TestIcountSELinux",
		"internal/cli [5.10 2 CPUs] TestTwoCPUsMeet",
		"internal/cli [6.1 2 CPUs] TestTwoCPUsMeet",
		"internal/cli [6.12 2 CPUs] TestTwoCPUsMeet",
		"internal/cli [newest 2 CPUs] TestTwoCPUsMeet",
		"internal/cli [6.1-arm64] TestCheckOnArm64",
	}
	if !slices.Equal(got, want) {
		t.Errorf("guests\n%q, want\n%q", got, want)
	}
}

// The output of a guest is cut into that of its packages. A package that the guest's death cut short fails, and so does
// one that it never began.
func TestSplit(t *testing.T) {
	b := boot{kernel: "6.1", parts: []part{
		{kernelTests: kernelTests{path: "good"}},
		{kernelTests: kernelTests{path: "silent"}},
		{kernelTests: kernelTests{path: "bad"}},
		{kernelTests: kernelTests{path: "dying"}},
		{kernelTests: kernelTests{path: "never"}},
	}}
	const frame = "\x16"
	ran := split(context.Background(), strings.NewReader("kernel says\n\n"+
		beginMark+"good\n"+frame+"=== RUN   TestA\nno newline"+frame+"--- PASS: TestA (1.50s)\n"+
		frame+"=== NAME  \n"+frame+"PASS\n\n"+endMark+"0\n"+
		"\n"+beginMark+"silent\npanic: early\n"+endMark+"2\n"+
		"\n"+beginMark+"bad\n"+frame+"=== RUN   TestB\n"+frame+"--- FAIL: TestB (0.00s)\n"+
		frame+"=== NAME  \n"+frame+"FAIL\n"+endMark+"1\n"+
		"\n"+beginMark+"dying\n"+frame+"=== RUN   TestC\nhalf a li"))
	all := b.results(ran, errors.New("died"), 0, 0)
	want := map[string]string{
		"good [6.1]": "", "silent [6.1]": "exit status 2", "bad [6.1]": "", "dying [6.1]": "died",
		"never [6.1]": "before these tests began",
	}
	for _, r := range all[1:] {
		text := ""
		if r.err != nil {
			text = r.err.Error()
		}
		if w := want[r.name]; (w == "") != (text == "") || !strings.Contains(text, w) {
			t.Errorf("%s: %q, want %q", r.name, text, w)
		}
	}
	if good := all[1]; good.count("pass") != 1 || good.tests[0].took != 1500*time.Millisecond {
		t.Errorf("good: %+v", good)
	}
	if all[3].count("fail") != 1 || all[4].count("fail") != 1 {
		t.Errorf("bad: %+v; dying: %+v", all[3], all[4])
	}
}

// A guest whose emulator hung is booted again, and that is printed. Any other failure is one.
func TestHungGuestBootsAgain(t *testing.T) {
	for _, test := range []struct{ status, hangs, boots int }{
		{vmtest.ExitHung, 1, 2},
		{vmtest.ExitHung, 5, hangTries},
		{124, 1, 1},
	} {
		dir := t.TempDir()
		runner := filepath.Join(dir, "vm")
		script := fmt.Sprintf("#!/bin/sh\necho >>%s/boots\n[ $(wc -l <%[1]s/boots) -gt %d ] || exit %d\n"+
			"printf '%%s\\n' '%sp' '%s0'\n", dir, test.hangs, test.status, beginMark, endMark)
		if err := os.WriteFile(runner, []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
		b := boot{kernel: "6.1", pass: twoCPUs, parts: []part{{kernelTests: kernelTests{path: "p"}}}}
		said := 0
		all := b.run(t.Context(), runner, "6.1", func(string) { said++ })
		boots, _ := os.ReadFile(filepath.Join(dir, "boots"))
		if len(boots) != test.boots || said != test.boots-1 {
			t.Errorf("%+v: %d boots, %d of them said", test, len(boots), said)
		}
		if good := test.boots > test.hangs; len(all) != 2 || (all[1].err == nil) != good {
			t.Errorf("%+v: %+v", test, all)
		}
	}
}

func TestConcurrentPackages(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"alone.go":   "package p\n\n// go on(1)\nvar x = 1\n",
		"routine.go": "package p\n\nfunc f() {\n\tgo f()\n}\n",
		"locks.go":   "package p\n\nimport (\n\t\"sync\"\n)\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		p    goPackage
		want bool
	}{
		{goPackage{GoFiles: []string{"alone.go"}}, false},
		{goPackage{GoFiles: []string{"alone.go", "routine.go"}}, true},
		{goPackage{GoFiles: []string{"alone.go"}, XTestGoFiles: []string{"locks.go"}}, true},
	} {
		c.p.Dir = dir
		if got, err := c.p.concurrent(); err != nil || got != c.want {
			t.Errorf("%+v: %v, %v; want %v", c.p, got, err, c.want)
		}
	}
}
