package cli

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/lsmprof/lsmprof/internal/cmdline"
	"github.com/lsmprof/lsmprof/internal/fetch"
)

func (o *reportOptions) fleetFlags(f *cmdline.Flags) {
	f.Group("Fleet")
	f.BoolVar(&o.fleet, "fleet", false,
		"Add up the profiles of many nodes, and say which node differs. This is the default for three or more "+
			"profiles; without it, lsmprof reports on one profile and compares two.")
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
			return fmt.Errorf("%s is a directory: a fleet is made of profiles, such as %s/*.pb.gz; "+
				"give one run directory, or an old and a new one", path, path)
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
	inClear := func(source string) bool { return strings.HasPrefix(source, "http:") }
	if o.nodes.TokenFile != "" && slices.ContainsFunc(o.runs, inClear) {
		std.note("--token-file without TLS: the token crosses the network in the clear")
	}
	return c, nil
}
