package unixbench

import (
	"os"
	"testing"

	"github.com/lsmprof/lsmprof/internal/kernel"
)

func needsRoot(t *testing.T, test string) {
	t.Helper()
	if os.Geteuid() != 0 && (test == "mountumount" || test == "capable") {
		t.Skip(test + " needs root")
	}
}

func mustBeEmpty(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range left {
		t.Errorf("%s is left behind", entry.Name())
	}
}

func affinity(t *testing.T, pid int) []int {
	t.Helper()
	cpus, err := kernel.AllowedCPUs(pid)
	if err != nil {
		t.Fatal(err)
	}
	return cpus
}
