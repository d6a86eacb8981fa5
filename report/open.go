package report

import (
	"fmt"
	"io/fs"
	"os"

	"github.com/lsmprof/lsmprof/internal/rundir"
)

// Open reads the run directory dir. The error says what is wrong with it: there is no such directory, it is not a run
// directory, or its plan or results are damaged. Files that are not regular, that lead out of the directory or that are
// absurdly large are not read, so that a directory of unknown origin does no harm.
func Open(dir string) (*Report, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%s is not a directory", dir)
	}
	run, err := rundir.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return newReport(run), nil
}

// OpenFS is Open for a run directory that is the root of a file system, such as an embedded one.
func OpenFS(dir fs.FS) (*Report, error) {
	run, err := rundir.Read(dir)
	if err != nil {
		return nil, err
	}
	return newReport(run), nil
}

// Regressions returns the significant losses of a comparison that grew by more than limit, in points of the baseline
// (0.01 is one point), the largest first. It returns nil for a report that is not a comparison.
func (r *Report) Regressions(limit float64) []Delta {
	if r.Comparison == nil {
		return nil
	}
	return r.Comparison.regressions(limit)
}
