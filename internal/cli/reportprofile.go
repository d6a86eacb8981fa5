package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"github.com/lsmprof/lsmprof/internal/fetch"
	"github.com/lsmprof/lsmprof/internal/localhttp"
	"github.com/lsmprof/lsmprof/internal/reporting"
	"github.com/lsmprof/lsmprof/internal/text"
)

// areProfiles reports whether the arguments are profiles instead of run directories. They must be of one kind.
func (o *reportOptions) areProfiles() (bool, error) {
	if o.history || o.isFleet() {
		return true, nil
	}
	files := 0
	for _, path := range o.runs {
		if fetch.IsURL(path) {
			files++
			continue
		}
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

// runProfiles reports on profiles: on one or two, on those of a fleet, or on a history.
func (o *reportOptions) runProfiles(ctx context.Context, std streams) error {
	client, err := o.client(std)
	if err != nil {
		return err
	}
	sources := reporting.Sources{Paths: o.runs, Client: client, LeftOut: func(source string, err error) {
		fmt.Fprintf(std.err, "lsmprof: left out: %s: %s\n", text.Printable(source), text.Printable(err.Error()))
	}}
	open := sources.Profiles
	switch {
	case o.history:
		open = sources.History
	case o.isFleet():
		open = sources.Fleet
	}
	r, err := open(ctx)
	if err != nil {
		return err
	}
	return o.writeProfile(ctx, std, r)
}

// writeProfile writes or serves a report that is made of profiles.
func (o *reportOptions) writeProfile(ctx context.Context, std streams, r reporting.Report) error {
	if o.http != "" {
		return o.serve(ctx, std, r)
	}
	dir, name := o.profileFile()
	files := map[string][]reportFile{
		"html": {{name + ".html", r.WriteHTML}}, "text": {{name + ".txt", r.WriteText}},
		"json": {{name + ".json", r.WriteJSON}},
	}
	for _, format := range o.formats {
		if files[format] == nil {
			return usageError{fmt.Errorf("--format %s: a report on profiles is html, text or json", format)}
		}
	}
	return o.writeFiles(std, cmp.Or(o.output, dir), files)
}

// profileFile returns where a report on profiles goes, and its name without ending. It lies beside the newer profile,
// or in the current directory if that is a URL, or if there are many.
func (o *reportOptions) profileFile() (dir, name string) {
	newer := o.runs[len(o.runs)-1]
	switch {
	case o.history:
		return ".", "lsmprof-history"
	case o.isFleet():
		return ".", "lsmprof-fleet"
	case fetch.IsURL(newer):
		return ".", reporting.FileName(newer)
	}
	return filepath.Dir(newer), reporting.FileName(newer)
}

// serve serves a report at the address of --http until ctx is done.
func (o *reportOptions) serve(ctx context.Context, std streams, r interface {
	Handler() (http.Handler, error)
},
) error {
	pages, err := r.Handler()
	if err != nil {
		return err
	}
	return localhttp.Serve(ctx, o.http, pages, func(url string) {
		fmt.Fprintf(std.err, "serving %s until Ctrl-C\n", url)
	})
}
