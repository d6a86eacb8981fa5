package bench

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/lsmprof/lsmprof/internal/rundir"
)

// Save writes what follows from the results: analysis.json, and bench.txt in the Go benchmark format. For benchstat:
// `benchstat -col /scenario bench.txt`.
func (d *Dir) Save() (rundir.Analysis, error) {
	explained, err := d.Explained()
	a := d.Analyze(explained)
	return a, errors.Join(err, d.writeJSON(rundir.AnalysisFile, a), d.write(rundir.BenchFile, d.benchmarks), d.SaveInfo())
}

func (d *Dir) benchmarks(w io.Writer) error {
	m := d.Info.Machine
	fmt.Fprintf(w, "goos: linux\ngoarch: %s\ncpu: %s\nkernel: %s\nenforcer: %s\n", m.Arch, m.CPU, m.Kernel, d.Info.Enforcer)
	units := map[string]rundir.Test{}
	for _, t := range d.Info.Plan.Tests {
		units[t.Name] = t
	}
	for _, r := range d.Results() {
		t := units[r.Test]
		if _, err := fmt.Fprintf(w, "Benchmark%s/scenario=%s %.0f %.1f ns/op %.6g %s\n", camel(r.Test), rundir.FileName(r.Scenario), max(1, r.Ops), r.Ns/r.Ops,
			t.Score(r.Rate()), unitName(t.Unit)); err != nil {
			return err
		}
	}
	return nil
}

// camel is a name as benchmarks have them: open-close becomes OpenClose.
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
