package bench

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/lsmprof/lsmprof/internal/rundir"
)

// benchmarks writes the results in the Go benchmark format, for `benchstat -col /scenario bench.txt`.
func (d *Dir) benchmarks(w io.Writer) error {
	m := d.Info.Machine
	fmt.Fprintf(w, "goos: linux\ngoarch: %s\ncpu: %s\nkernel: %s\nenforcer: %s\n", m.Arch, m.CPU, m.Kernel,
		d.Info.Enforcer)
	tests, names := map[string]rundir.Test{}, benchmarkNames(d.Info.Plan.Tests)
	for _, t := range d.Info.Plan.Tests {
		tests[t.Name] = t
	}
	for _, r := range d.Results() {
		t := tests[r.Test]
		if _, err := fmt.Fprintf(w, "Benchmark%s/scenario=%s %.0f %.1f ns/op %.6g %s\n", names[r.Test],
			rundir.FileName(r.Scenario),
			max(1, r.Ops), r.Ns/r.Ops, t.Score(r.Rate()), unitName(t.Unit)); err != nil {
			return err
		}
	}
	return nil
}

// benchmarkNames returns a benchmark name for each test. Tests whose names differ only in what a benchmark name cannot
// have get their own names too, as a label.
func benchmarkNames(tests []rundir.Test) map[string]string {
	same := map[string]int{}
	for _, t := range tests {
		same[camel(t.Name)]++
	}
	names := map[string]string{}
	for _, t := range tests {
		name := camel(t.Name)
		if same[name] > 1 {
			name += "/test=" + rundir.FileName(t.Name)
		}
		names[t.Name] = name
	}
	return names
}

// camel writes a name as Go benchmarks do: open-close becomes OpenClose.
func camel(s string) string {
	var b strings.Builder
	up := true
	for _, r := range s {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			up = true
		case up:
			b.WriteRune(unicode.ToUpper(r))
			up = false
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func unitName(s string) string {
	if s = strings.ReplaceAll(strings.TrimSpace(s), " ", "-"); s == "" {
		return "score"
	}
	return s
}
