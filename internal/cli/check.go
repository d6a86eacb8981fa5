package cli

import (
	"context"

	"github.com/lsmprof/lsmprof/internal/check"
	"github.com/lsmprof/lsmprof/internal/cmdline"
)

// checkCommand reports whether this machine can be profiled.
func checkCommand() *command {
	return &command{
		Command: cmdline.Command{
			Name: "check", Group: groupLook,
			Summary: "Check whether this machine can be profiled",
			Text: "The first line is the answer. Each problem follows with its reason and a remedy; " +
				"--verbose also prints what is right. The exit status is 3 unless the answer is yes.",
			Examples: []cmdline.Example{
				{What: "See what is missing, and what to do about it", Command: "sudo lsmprof check"},
				{What: "See all facts", Command: "sudo lsmprof check -v"},
				{
					What:    "Keep the calibration for later recordings",
					Command: "sudo lsmprof check --json -o calibration.json",
				},
			},
		},
		setup: func(f *cmdline.Flags) action {
			var d cmdline.Destination
			d.Flags(f, "Write to this `FILE` instead of stdout.", "text", "json")
			return func(ctx context.Context, std streams, _ []string) error {
				return std.produce(&d, func(std streams) error {
					facts := check.Gather(ctx)
					return printCheck(std, d.JSON(), &facts)
				})
			}
		},
	}
}

// printCheck prints the verdict and the items. It returns an exitError unless the machine can be profiled.
func printCheck(std streams, asJSON bool, f *check.Facts) (err error) {
	r := check.NewReport(f, version(), check.Machine())
	if asJSON {
		err = r.WriteJSON(std.out)
	} else {
		err = r.Write(std.out, std.verbose, std.quiet)
	}
	if err == nil && !r.Supported {
		err = exitError{exitUnsupported}
	}
	return err
}
