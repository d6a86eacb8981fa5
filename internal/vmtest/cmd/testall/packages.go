package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

const (
	module     = "github.com/lsmprof/lsmprof/"
	vmtestPath = module + "internal/vmtest"
)

// simulating are the packages that simulate benchmarks by the thousand. Under the race detector that takes ten times
// as long and finds nothing more, so that they run whole without it, and with it in their -short form.
var simulating = []string{"internal/rundir", "internal/stats", "internal/forecast", "report"}

// goPackage is what go list says about a package of the main module.
type goPackage struct {
	ImportPath, Dir                    string
	GoFiles, TestGoFiles, XTestGoFiles []string
	TestImports, XTestImports          []string
}

// atOnce matches what a file has that runs or guards something beside something else.
var atOnce = regexp.MustCompile(`(?m)^\s*go [\w.]+\(|"(sync|sync/atomic|net/http|net/http/httptest)"$`)

// concurrent reports whether something runs at once in a package or its tests. Elsewhere the race detector has nothing
// to find, and compiling with it takes as long as the tests.
func (p goPackage) concurrent() (bool, error) {
	for _, name := range slices.Concat(p.GoFiles, p.TestGoFiles, p.XTestGoFiles) {
		text, err := os.ReadFile(filepath.Join(p.Dir, name))
		if err != nil || atOnce.Match(text) {
			return true, err
		}
	}
	return false, nil
}

// inGuests reports whether some of the package's tests need a guest's kernel.
func (p goPackage) inGuests() bool {
	uses := slices.Contains(slices.Concat(p.TestImports, p.XTestImports), vmtestPath)
	return p.ImportPath == vmtestPath || uses && !strings.HasPrefix(p.ImportPath, vmtestPath+"/")
}

func packages(ctx context.Context) (all []goPackage, _ error) {
	text, err := exec.CommandContext(ctx, "go", "list",
		"-json=ImportPath,Dir,GoFiles,TestGoFiles,XTestGoFiles,TestImports,XTestImports", "./...").Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	for d := json.NewDecoder(strings.NewReader(string(text))); d.More(); {
		var p goPackage
		if err := d.Decode(&p); err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// short is an import path as the tables show it.
func short(path string) string { return strings.TrimPrefix(path, module) }
