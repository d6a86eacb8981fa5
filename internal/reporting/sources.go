// Package reporting opens what a report is made of: profiles in files and at URLs, the profiles of a fleet, and the
// runs and profiles of a history.
package reporting

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"

	"github.com/lsmprof/lsmprof/internal/fetch"
	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/report"
)

// Report is a report that is made of profiles.
type Report interface {
	WriteHTML(io.Writer) error
	WriteText(io.Writer) error
	WriteJSON(io.Writer) error
	Handler() (http.Handler, error)
}

// Sources are the arguments of a report.
type Sources struct {
	Paths  []string // files, directories and URLs
	Client *fetch.Client
	// LeftOut is called with each source that cannot be fetched or read.
	LeftOut func(source string, err error)
}

// Profiles reports on one profile, or compares two: the older first.
func (s *Sources) Profiles(ctx context.Context) (Report, error) {
	r, err := s.open(ctx, s.Paths[0])
	if err != nil || len(s.Paths) == 1 {
		return r, err
	}
	newer, err := s.open(ctx, s.Paths[1])
	if err != nil {
		return nil, err
	}
	return newer.Compare(r), nil
}

// open reads the profile of a file or a URL.
func (s *Sources) open(ctx context.Context, source string) (*report.ProfileReport, error) {
	if !fetch.IsURL(source) {
		return report.OpenProfile(source)
	}
	body, err := s.Client.Open(ctx, source)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", fetch.Name(source), err)
	}
	defer body.Close()
	p, err := rundir.ReadProfile(body, fetch.Name(source))
	if err != nil {
		return nil, err
	}
	return report.NewProfile(p), nil
}

// Fleet reports on the profiles of many nodes.
func (s *Sources) Fleet(ctx context.Context) (Report, error) {
	var fleet report.Fleet
	good := 0
	s.Client.Each(ctx, s.Paths, func(source string, profile io.Reader, err error) {
		name := fetch.Name(source)
		if err != nil {
			fleet.Missing(name, err)
		} else {
			err = fleet.Add(name, fetch.Address(source), profile)
		}
		if err != nil {
			s.LeftOut(name, err)
			return
		}
		good++
	})
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	if good == 0 {
		return nil, errors.New("no profile could be read")
	}
	return fleet.Report(), nil
}

// History reports on runs and profiles of many days, which the paths are or hold.
func (s *Sources) History(ctx context.Context) (Report, error) {
	var h report.History
	good := 0
	for _, arg := range s.Paths {
		paths, err := rundir.Find(arg)
		if err != nil {
			return nil, err
		}
		if len(paths) == 0 {
			return nil, fmt.Errorf("%s holds no run directory of `lsmprof bench`, and no profile (.pb.gz, "+
				".pb or .pprof)", arg)
		}
		for _, path := range paths {
			if err := context.Cause(ctx); err != nil {
				return nil, err
			}
			name := path
			if len(s.Paths) == 1 {
				name = filepath.Base(path)
			}
			if err := addToHistory(&h, name, path); err != nil {
				s.LeftOut(path, err)
				continue
			}
			good++
		}
	}
	if good == 0 {
		return nil, errors.New("no run directory of `lsmprof bench` and no profile of `lsmprof record` " +
			"could be read")
	}
	return h.Report(), nil
}

func addToHistory(h *report.History, name, path string) error {
	if rundir.Is(path) {
		return h.AddRun(name, path)
	}
	f, err := fetch.OpenFile(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return h.AddProfile(name, f)
}

// FileName returns the name of the report on a profile, without an ending: that of its file, or one made of the host
// and port of a URL.
func FileName(source string) string {
	if fetch.IsURL(source) {
		return "lsmprof-" + rundir.FileName(strings.ReplaceAll(fetch.Address(source), ":", "-"))
	}
	name := filepath.Base(source)
	for _, ending := range []string{".gz", ".pb", ".pprof"} {
		name = strings.TrimSuffix(name, ending)
	}
	return name
}
