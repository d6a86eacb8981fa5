package accuracy

import (
	"bufio"
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/lsmprof/lsmprof/internal/golden"
	"github.com/lsmprof/lsmprof/internal/kernel"
)

func originHere(t *testing.T) Origin {
	t.Helper()
	release, _, err := kernel.Uname()
	if err != nil {
		t.Fatal(err)
	}
	return Origin{Kernel: os.Getenv("LSMPROF_GUEST"), Release: release, Unit: "instructions"}
}

// bounds is a golden file of numbers. The first line is the kernel's release, each other line a name and a number.
// A guest writes the file, and the runner copies it out:
//
//	CGO_ENABLED=0 go test -exec 'bin/vm -kernel 6.1 -icount -out /src/accuracy/testdata:testdata -exec' \
//		./internal/accuracy -args -update
type bounds struct {
	release string
	numbers map[string]int
}

func goldenFile(t *testing.T, kind string, now bounds) (bounds, string) {
	t.Helper()
	path := filepath.Join("testdata", fmt.Sprintf("%s.%s.txt", kind, originHere(t).Kernel))
	if golden.Update() {
		now.write(t, path)
	}
	return readGolden(t, path), path
}

func (g bounds) write(t *testing.T, path string) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintln(&b, g.release)
	width := 0
	for name := range g.numbers {
		width = max(width, len(name))
	}
	for _, name := range slices.SortedFunc(maps.Keys(g.numbers), cmp.Compare[string]) {
		fmt.Fprintf(&b, "%-*s %6d\n", width, name, g.numbers[name])
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

func readGolden(t *testing.T, path string) bounds {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Skipf("%v: this kernel has no golden file; -update writes it", err)
	}
	defer f.Close()
	g := bounds{numbers: map[string]int{}}
	lines := bufio.NewScanner(f)
	lines.Scan()
	g.release = lines.Text()
	for lines.Scan() {
		i := strings.LastIndexByte(lines.Text(), ' ')
		n, err := strconv.Atoi(lines.Text()[i+1:])
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		g.numbers[strings.TrimSpace(lines.Text()[:i])] = n
	}
	return g
}

// slack returns how far a number may be above the golden one n: not at all on the same release, and a little on
// another build of the kernel, whose trampolines and verifier may differ.
func (g bounds) slack(release string, n int) int {
	if g.release == release {
		return 0
	}
	return 2 + n/20
}
