package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/lsmprof/lsmprof/report"
)

// areProfiles reports whether the arguments are profiles instead of run directories. They must be of one kind.
func (o *reportOptions) areProfiles() (bool, error) {
	files := 0
	for _, path := range o.runs {
		info, err := os.Stat(path)
		if err != nil {
			return false, fmt.Errorf("%w; `lsmprof bench -o DIR` makes a run directory, and `lsmprof "+
				"record` a profile", err)
		}
		if !info.IsDir() {
			files++
		}
	}
	switch {
	case files == 0:
		return false, nil
	case files < len(o.runs):
		return false, errors.New("a run directory and a profile cannot be compared; give two of one kind")
	case o.limit > 0 || o.force:
		return false, errors.New("--fail-over and --force are for run directories; a profile has no interval " +
			"to test")
	}
	return true, nil
}

// runProfiles reports on one profile, or compares two.
func (o *reportOptions) runProfiles(ctx context.Context, std streams) error {
	r, err := report.OpenProfile(o.runs[0])
	if err != nil {
		return err
	}
	if len(o.runs) == 2 {
		newer, err := report.OpenProfile(o.runs[1])
		if err != nil {
			return err
		}
		r = newer.Compare(r)
	}
	if o.http != "" {
		return serveReport(ctx, std, o.http, r)
	}
	for _, format := range o.formats {
		var write func(io.Writer) error
		switch format {
		case "html":
			write = r.WriteHTML
		case "text":
			write = r.WriteText
		case "json":
			write = r.WriteJSON
		default:
			return usageError{fmt.Errorf("report: --format %s: a report on a profile is html, text or json",
				format)}
		}
		if o.output == "-" {
			return write(std.out)
		}
		if err := saveReport(std, o.profileFile(format), write); err != nil {
			return err
		}
	}
	return nil
}

// profileFile returns the path of a report on the newer profile: lsmprof.html for lsmprof.pb.gz.
func (o *reportOptions) profileFile(format string) string {
	newer := o.runs[len(o.runs)-1]
	name := filepath.Base(newer)
	for _, ending := range []string{".gz", ".pb", ".pprof"} {
		name = strings.TrimSuffix(name, ending)
	}
	dir := o.output
	if dir == "" {
		dir = filepath.Dir(newer)
	}
	return filepath.Join(dir, name+map[string]string{"html": ".html", "text": ".txt", "json": ".json"}[format])
}
