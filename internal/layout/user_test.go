package layout

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// userProgram uses all three public packages from another module, with zero values and in states that a careless caller
// gets into.
const userProgram = `package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/report"
	"github.com/lsmprof/lsmprof/tracer"
)

func main() {
	var t tracer.Tracer
	if _, err := t.Snapshot(); err != nil && !errors.Is(err, os.ErrClosed) {
		fmt.Println("zero tracer:", err)
	}
	fmt.Println("poll:", errors.Is(t.Poll(context.Background()), os.ErrClosed), "close:", t.Close())
	if started, err := tracer.Start(context.Background(), tracer.Options{}); err == nil {
		started.Close()
	}

	costs, err := profile.Snapshot{}.Costs()
	if err != nil {
		panic(err)
	}
	fmt.Println("costs:", len(costs.Document().Rows))

	r, err := report.Open(os.Args[1])
	if err != nil {
		panic(err)
	}
	if err := r.WriteMarkdown(os.Stdout); err != nil {
		panic(err)
	}
}
`

func TestPackagesCanBeUsedFromAnotherModule(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	// The same versions as here, so that nothing needs to be fetched.
	_, requires, _ := strings.Cut(string(mod), "\nrequire (")
	requires, _, _ = strings.Cut(requires, "\ntool (")
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"main.go": userProgram,
		"go.sum":  string(sum),
		"go.mod": "module example.com/user\n\ngo 1.26\n\nrequire github.com/lsmprof/lsmprof v0.0.0\n" +
			"replace github.com/lsmprof/lsmprof => " + root + "\n\nrequire (" + requires,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", "run", ".", filepath.Join(root, "docs/sample/run"))
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off", "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{
		"poll: true close: <nil>\n", "costs: 0\n",
		"# What the reference enforcer costs",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}
