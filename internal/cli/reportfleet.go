package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	pprof "github.com/google/pprof/profile"

	"github.com/lsmprof/lsmprof/internal/cmdline"
	"github.com/lsmprof/lsmprof/internal/fetch"
	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/report"
)

// fleetName is the name of a report on a fleet, without ending.
const fleetName = "lsmprof-fleet"

func (o *reportOptions) fleetFlags(f *cmdline.Flags) {
	f.Group("Fleet")
	f.BoolVar(&o.fleet, "fleet", false,
		"Add the profiles up as those of many nodes, and say which node differs. It is implied by three or "+
			"more; one or "+
			"two profiles are otherwise reported on or compared.")
	f.Var(cmdline.File(&o.nodes.TokenFile), "token-file", "Send the bearer token in this file to each URL.")
	f.Var(cmdline.File(&o.nodes.CAFile), "ca", "Trust the authorities in this PEM file for https URLs.")
	f.Var(cmdline.File(&o.nodes.CertFile), "cert", "Show the certificate in this PEM file to the nodes.")
	f.Var(cmdline.File(&o.nodes.KeyFile), "key", "Take the key of --cert from this PEM file.")
	f.Rare("ca", "cert", "key")
}

// isFleet reports whether the arguments are the profiles of a fleet.
func (o *reportOptions) isFleet() bool { return o.fleet || len(o.runs) > 2 }

// checkNodes checks the flags about URLs.
func (o *reportOptions) checkNodes() error {
	if o.nodes != (fetch.Config{}) && !slices.ContainsFunc(o.runs, fetch.IsURL) {
		return errors.New("--token-file, --ca, --cert and --key are for URLs, and there is none")
	}
	return nil
}

// checkFleet checks the arguments of a report on a fleet.
func (o *reportOptions) checkFleet() error {
	if o.limit > 0 || o.force {
		return errors.New("--fail-over and --force compare two runs, not a fleet")
	}
	for _, path := range o.runs {
		if info, err := os.Stat(path); err == nil && info.IsDir() && !fetch.IsURL(path) {
			return fmt.Errorf("%s is a directory: a fleet is made of profiles, such as %s/*.pb.gz; of "+
				"run directories give "+
				"one, or an old and a new one", path, path)
		}
	}
	return nil
}

// client returns a client for files and URLs.
func (o *reportOptions) client(std streams) (*fetch.Client, error) {
	c, err := fetch.New(o.nodes)
	if err != nil {
		return nil, err
	}
	if o.nodes.TokenFile != "" && slices.ContainsFunc(o.runs, func(s string) bool {
		return strings.HasPrefix(s,
			"http:")
	}) {
		std.note("--token-file without TLS: the token crosses the network in the clear")
	}
	return c, nil
}

// runFleet reports on the profiles of many nodes. A profile that cannot be fetched or read is named and left out.
func (o *reportOptions) runFleet(ctx context.Context, std streams) error {
	client, err := o.client(std)
	if err != nil {
		return err
	}
	var fleet report.Fleet
	good := 0
	client.Each(ctx, o.runs, func(source string, profile io.Reader, err error) {
		name := fetch.Name(source)
		if err != nil {
			fleet.Missing(name, err)
		} else {
			err = fleet.Add(name, fetch.Address(source), profile)
		}
		if err != nil {
			fmt.Fprintf(std.err, "lsmprof: left out: %s: %s\n", text.Printable(name),
				text.Printable(err.Error()))
			return
		}
		good++
	})
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if good == 0 {
		return errors.New("no profile could be read")
	}
	return o.writeProfile(ctx, std, fleet.Report())
}

// openProfile reads the profile of a file or a URL.
func (o *reportOptions) openProfile(ctx context.Context, std streams, source string) (*report.ProfileReport, error) {
	if !fetch.IsURL(source) {
		return report.OpenProfile(source)
	}
	client, err := o.client(std)
	if err != nil {
		return nil, err
	}
	body, err := client.Open(ctx, source)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", fetch.Name(source), err)
	}
	defer body.Close()
	var p *pprof.Profile
	if p, err = rundir.ReadProfile(body, fetch.Name(source)); err != nil {
		return nil, err
	}
	return report.NewProfile(p), nil
}

// reportFile returns the path of a report on profiles, without its ending: that of the newer profile, or, of a fleet or
// a URL, a name in the current directory.
func (o *reportOptions) reportFile() string {
	newer := o.runs[len(o.runs)-1]
	dir, name := filepath.Dir(newer), filepath.Base(newer)
	switch {
	case o.history:
		dir, name = ".", historyName
	case o.isFleet():
		dir, name = ".", fleetName
	case fetch.IsURL(newer):
		dir, name = ".", "lsmprof-"+rundir.FileName(strings.ReplaceAll(fetch.Address(newer), ":", "-"))
	}
	for _, ending := range []string{".gz", ".pb", ".pprof"} {
		name = strings.TrimSuffix(name, ending)
	}
	if o.output != "" {
		dir = o.output
	}
	return filepath.Join(dir, name)
}
