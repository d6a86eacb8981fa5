// Package layout checks which packages may import which, and the public API. See "Packages" in ARCHITECTURE.md.
package layout

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/lsmprof/lsmprof/"

type pkg struct {
	ImportPath    string
	Imports, Deps []string
}

// only lists the packages of this module that a package may import. Packages without an entry follow only the rules
// below.
var only = map[string][]string{
	"cmd/lsmprof": {"internal/cli"},
	"tracer":      {"bpf", "profile", "internal/containerid", "internal/kernel", "internal/lsm"},
	"profile":     {"internal/containerid"},
	"report": {
		"profile", "internal/stats", "internal/rundir", "internal/costtable", "internal/forecast",
		"internal/text",
		"internal/enforcer/rules", "internal/fleet",
	},
	"internal/rundir": {
		"profile", "internal/stats", "internal/text", "internal/unixbench/score", "internal/enforcer/rules",
	},
	"internal/policy":    {"profile", "internal/enforcer/rules"},
	"internal/reporting": {"report", "internal/fetch", "internal/rundir"},
	"internal/forecast": {
		"profile", "internal/stats", "internal/rundir", "internal/enforcer/rules", "internal/policy",
	},

	"bpf":              {},
	"internal/kernel":  {"internal/containerid"},
	"internal/lsm":     {},
	"internal/stats":   {},
	"internal/text":    {},
	"internal/yamlerr": {},
	"internal/top":     {"profile", "internal/costtable"},

	"internal/tracefmt": {"profile", "tracer"},

	"internal/cmdline":   {},
	"internal/terminal":  {},
	"internal/golden":    {},
	"internal/costtable": {"profile"},
	"internal/pods":      {"profile", "internal/cri"},

	"internal/atomicfile":  {},
	"internal/containerid": {},
	"internal/cri":         {"internal/containerid", "internal/kernel"},
	"internal/projection":  {"profile"},
	"internal/fleet":       {"profile", "internal/stats"},
	"internal/fetch":       {"internal/tlsfiles"},
	"internal/otlp":        {"internal/tlsfiles"},
	"internal/serve":       {"profile", "internal/projection", "internal/otlp", "internal/tlsfiles"},

	"internal/enforcer": {
		"profile", "tracer", "internal/enforcer/rules", "internal/enforcer/reference/bpf",
		"internal/kernel",
	},
	"internal/enforcer/rules": {},
	"internal/inforce": {
		"profile", "tracer", "internal/enforcer", "internal/enforcer/rules", "internal/kernel", "internal/lsm",
	},
}

// importers lists, for a package, the only folders that may import it.
var importers = map[string][]string{
	"internal/cli":    {"cmd/lsmprof"},
	"internal/vmtest": {"internal/vmtest"},
	"internal/serve":  {"internal/cli", "internal/serve"},
	"tracer": {
		"internal/cli", "internal/bench", "internal/accuracy", "internal/enforcer",
		"internal/inforce", "internal/tracefmt", "internal/check", "internal/listing", "internal/recording",
		"internal/targets", "internal/serve/live",
	},
}

func TestDependencies(t *testing.T) {
	for _, p := range list(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		for _, imported := range p.Imports {
			target, ours := strings.CutPrefix(imported, module)
			// Formatting and the lines of mistakes are open to every package.
			if !ours || target == "internal/text" || target == "internal/yamlerr" {
				continue
			}
			if allowed, ok := only[name]; ok && !slices.Contains(allowed, target) {
				t.Errorf("%s imports %s; of ours it may import only %q", name, target, allowed)
			}
			if allowed, ok := importers[target]; ok && !slices.ContainsFunc(allowed, func(dir string) bool {
				return name == dir || strings.HasPrefix(name, dir+"/")
			}) {
				t.Errorf("%s imports %s, which only %q may", name, target, allowed)
			}
		}
	}
}

// pureRoots are the packages that read profiles and run directories, or write and serve their contents. They must work
// on any machine, as any user, without a kernel to ask.
var pureRoots = []string{
	"profile", "report", "internal/stats", "internal/rundir", "internal/forecast", "internal/policy",
	"internal/serve",
	"internal/unixbench/score", "internal/fleet",
}

// TestPurePackages checks that no package behind a pure one loads BPF or runs a process, and that none of this module
// makes system calls of its own. Exception: package report draws flame graphs with pprof's driver, which imports
// os/exec for browsers and Graphviz. The report uses neither.
func TestPurePackages(t *testing.T) {
	const driver = "github.com/google/pprof/driver"
	byPath := map[string]pkg{}
	for _, p := range list(t) {
		byPath[p.ImportPath] = p
	}
	for _, root := range pureRoots {
		p, found := byPath[module+root]
		if !found {
			t.Errorf("%s: no such package", root)
			continue
		}
		for _, dep := range append([]string{p.ImportPath}, p.Deps...) {
			if strings.HasPrefix(dep, "github.com/cilium/ebpf") ||
				dep == "os/exec" && !slices.Contains(p.Imports, driver) {
				t.Errorf("%s depends on %s", root, dep)
			}
			for _, imported := range byPath[dep].Imports {
				if strings.HasPrefix(imported, "golang.org/x/sys") || imported == "os/exec" {
					t.Errorf("%s depends on %s, which imports %s", root, strings.TrimPrefix(dep,
						module), imported)
				}
			}
		}
	}
}

func list(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,Deps", module+"...")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v: %s", err, stderr.String())
	}
	var pkgs []pkg
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
	if len(pkgs) < 5 {
		t.Fatalf("go list found only %d packages", len(pkgs))
	}
	return pkgs
}
