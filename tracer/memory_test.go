package tracer

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/lsmprof/lsmprof/internal/golden"
	"github.com/lsmprof/lsmprof/internal/text"
)

func TestShareOfMemory(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct {
		what                   string
		memory, taken, targets int
		want                   int
	}{
		{"a sixteenth at most", DefaultMemory, 0, 1, 4 * mib},
		{"equal parts", DefaultMemory, 0, 32, 2 * mib},
		{"later programs share what is left", DefaultMemory, 60 * mib, 4, 1 * mib},
		{"which may be nothing", DefaultMemory, 64 * mib, 4, 0},
	} {
		if got := share(c.memory, c.taken, c.targets); got != c.want {
			t.Errorf("%s: %d bytes, %d taken, for %d targets: %d bytes, want %d", c.what, c.memory, c.taken,
				c.targets,
				got, c.want)
		}
	}
}

// The table of the docs says how the counters are divided.
func TestDocsShowHowMemoryIsDivided(t *testing.T) {
	const page = "../docs/measuring.md"
	if _, err := os.Stat(page); err != nil {
		t.Skip(err)
	}
	lines := []string{
		"| `--memory`, programs | counters per program | in the front of a CPU: 2, 64, 192 CPUs | " +
			"shared: 2, 64, 192 CPUs | in all |",
		"|---|---|---|---|---|",
	}
	list := func(of []int) string {
		var words []string
		for _, n := range of {
			words = append(words, text.Thousands(n))
		}
		if slices.Min(of) == slices.Max(of) {
			return words[0]
		}
		return strings.Join(words, ", ")
	}
	for _, row := range []struct{ memory, programs int }{{64, 14}, {128, 14}, {512, 14}, {64, 200}} {
		var all, front, shared, mib []int
		for _, cpus := range []int{2, 64, 192} {
			l := newLayout(share(row.memory<<20, 0, row.programs), cpus, firstCPUs(cpus))
			all, front, shared = append(all, l.counters()), append(front, l.front), append(shared, l.shared)
			mib = append(mib, l.counters()*counterSize*row.programs>>20)
		}
		memory := strconv.Itoa(row.memory)
		if row.memory<<20 == DefaultMemory {
			memory += " (the default)"
		}
		lines = append(lines, fmt.Sprintf("| %s, %d programs | %s | %s | %s | %s MiB |", memory, row.programs,
			list(all), list(front), list(shared), list(mib)))
	}
	golden.Section(t, page, "memory", lines)
}
