// Package golden compares what a test got with a file in its package's testdata.
package golden

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files in testdata")

// Update says that the golden files are to be written, not compared with.
func Update() bool { return *update }

// Equal compares got with testdata/name, or writes it there with -update.
func Equal(t testing.TB, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; -update writes it", err)
	}
	if string(got) != string(want) {
		t.Errorf("%s differs (-update accepts it); got:\n%s\nwant:\n%s", file, got, want)
	}
}
