// Package golden compares the output of a test with a file in the testdata directory of its package.
package golden

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files in testdata")

// Update reports whether the test runs with -update, which writes golden files instead of comparing with them.
func Update() bool { return *update }

// Equal fails the test if got differs from the file testdata/name. With -update it writes the file.
func Equal(t testing.TB, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
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

// Section fails the test if the part of a page between the comments <!-- begin name --> and <!-- end name --> is not
// these lines. With -update it writes them there.
func Section(t testing.TB, page, name string, lines []string) {
	t.Helper()
	content, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := "<!-- begin "+name+" -->\n", "<!-- end "+name+" -->\n"
	before, rest, ok := strings.Cut(string(content), begin)
	was, after, found := strings.Cut(rest, end)
	if !ok || !found {
		t.Fatalf("%s has no %q or %q", page, begin, end)
	}
	now := strings.Join(lines, "\n") + "\n"
	switch {
	case now == was:
	case *update:
		if err := os.WriteFile(page, []byte(before+begin+now+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s, %s differs (-update writes it); want:\n%s", page, name, now)
	}
}
