// Command baselines says whether the two baselines of benchmarks differ, given what `lsmprof bench -o json` printed in
// each run. See internal/demo/baselines.sh.
package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"

	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/stats"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "baselines:", err)
		os.Exit(1)
	}
}

// cell compares the baselines of one test in one run.
type cell struct {
	run int
	rundir.Cell
}

// run judges twice. Each run is judged like a benchmark, at a level of 5 %, so that one in twenty runs of equal
// baselines differs by chance. All runs together are judged at a level of 5 % as well.
func run(files []string, out io.Writer) error {
	var all []cell
	for i, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		var a rundir.Analysis
		if err := json.Unmarshal(text, &a); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		for _, c := range a.Cells {
			if c.Scenario == rundir.SecondBaselineName {
				all = append(all, cell{i, c})
			}
		}
	}
	if len(all) == 0 {
		return errors.New("no file has a second baseline; usage: baselines FILE [FILE…]")
	}
	alone, outside := 0, 0
	for i, file := range files {
		own := slices.DeleteFunc(slices.Clone(all), func(c cell) bool { return c.run != i })
		most := mostUnlike(own)
		if most.Adjusted < stats.Significant {
			alone++
		}
		fmt.Fprintf(out, "%s: the smallest corrected p is %.3f (%s, %+.3f %%)\n", file, most.Adjusted,
			most.Test, 100*most.Loss)
	}
	for _, c := range all {
		if !c.CI.Contains(0) {
			outside++
		}
	}
	byTest(all, out)
	most := mostUnlike(all)
	fmt.Fprintf(out, "judged alone, %d of %d runs differ (%.1f are expected of equal baselines)\n", alone,
		len(files), 0.05*float64(len(files)))
	fmt.Fprintf(out, "%d of %d intervals do not hold 0\n", outside, len(all))
	fmt.Fprintf(out, "judged together, the smallest corrected p is %.3f (%s, %+.3f %%)\n", most.Adjusted, most.Test,
		100*most.Loss)
	return nil
}

// mostUnlike returns the cell with the smallest p, corrected for the number of cells.
func mostUnlike(cells []cell) cell {
	var ps []float64
	for _, c := range cells {
		ps = append(ps, c.P)
	}
	adjusted := stats.Holm(ps)
	for i := range cells {
		cells[i].Adjusted = adjusted[i]
	}
	return slices.MinFunc(cells, func(a, b cell) int { return cmp.Compare(a.P, b.P) })
}

// byTest prints the mean difference of each test over all runs: a bias that is too small for one run shows there.
func byTest(cells []cell, out io.Writer) {
	losses := map[string][]float64{}
	var tests []string
	for _, c := range cells {
		if len(losses[c.Test]) == 0 {
			tests = append(tests, c.Test)
		}
		losses[c.Test] = append(losses[c.Test], c.Loss)
	}
	for _, t := range tests {
		n := len(losses[t])
		fmt.Fprintf(out, "%-10s mean of %d runs %+.4f %% ± %.4f (standard error)\n", t, n,
			100*stats.Mean(losses[t]), 100*stats.StdDev(losses[t])/math.Sqrt(float64(n)))
	}
}
