package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/lsmprof/lsmprof/internal/check"
	"github.com/lsmprof/lsmprof/internal/cmdline"
	"github.com/lsmprof/lsmprof/internal/terminal"
	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/profile"
)

const checkSchema = "lsmprof/check/v1"

// checkCommand reports whether this machine can be profiled.
func checkCommand() *command {
	return &command{
		Command: cmdline.Command{
			Name: "check", Group: groupLook,
			Summary: "Check whether this machine can be profiled",
			Text: "The first line is the answer. What is wrong follows, with a reason and a remedy; " +
				"--verbose prints what is right, too. The exit status is 3 unless the answer is yes.",
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
	items := f.Judge()
	verdict := check.Decide(items)
	if asJSON {
		err = writeCheckJSON(std.out, f, items, verdict)
	} else {
		err = writeCheck(std, items, verdict)
	}
	if err == nil && verdict.Answer != check.Yes {
		err = exitError{exitUnsupported}
	}
	return err
}

func writeCheck(std streams, items []check.Item, verdict check.Verdict) error {
	color := map[check.Answer]string{
		check.Yes: terminal.Green, check.No: terminal.Red,
		check.Unknown: terminal.Yellow,
	}[verdict.Answer]
	fmt.Fprintln(std.out, terminal.Paint(std.out, color, verdict.Text))
	if std.quiet {
		return nil
	}
	if !std.verbose {
		items = troubles(items)
	}
	names := 0
	for _, i := range items {
		names = max(names, len(i.Name))
	}
	indent := strings.Repeat(" ", names+8)
	wrap := text.Printable
	if terminal.Is(std.out) {
		wrap = func(s string) string {
			return text.Wrap(text.Printable(s), max(20, terminal.Width(std.out)-len(indent)-3), indent)
		}
	}
	if len(items) > 0 {
		fmt.Fprintln(std.out)
	}
	byReason := map[string]string{}
	for _, i := range items {
		fmt.Fprintf(std.out, "%s  %-*s  %s\n", paintState(std.out, i.State), names, i.Name,
			text.Printable(i.Value))
		if first := byReason[i.Reason]; first != "" && i.Reason != "" {
			fmt.Fprintf(std.out, "%sfor the same reason as %s\n", indent, first)
			continue
		}
		byReason[i.Reason] = i.Name
		if i.Reason != "" {
			fmt.Fprintf(std.out, "%s%s\n", indent, wrap(i.Reason))
		}
		if i.Remedy != "" {
			fmt.Fprintf(std.out, "%s-> %s\n", indent, wrap(i.Remedy))
		}
	}
	return nil
}

// troubles returns the items that a user can do something about.
func troubles(items []check.Item) (all []check.Item) {
	for _, i := range items {
		if i.State != check.OK && i.Value != check.NotTried {
			all = append(all, i)
		}
	}
	return all
}

func paintState(w io.Writer, s check.State) string {
	color := map[check.State]string{
		check.OK: terminal.Green, check.Warn: terminal.Yellow,
		check.Fail: terminal.Red,
	}[s]
	return terminal.Paint(w, color, fmt.Sprintf("%-4s", s))
}

// checkDocument is what `check --json` prints. Schema lsmprof/check/v1: fields are only ever added.
type checkDocument struct {
	Schema    string       `json:"schema"`
	Version   string       `json:"lsmprof_version"`
	Supported bool         `json:"supported"`
	Verdict   check.Answer `json:"verdict"`
	Machine   checkMachine `json:"machine"`
	Items     []check.Item `json:"items"`
	// Calibration is what --calibration reads; null if it was not measured.
	Calibration *profile.Calibration `json:"calibration"`
}

type checkMachine struct {
	Kernel string `json:"kernel"`
	Arch   string `json:"arch"`
	CPU    string `json:"cpu"`
	CPUs   int    `json:"cpus"`
}

func writeCheckJSON(w io.Writer, f *check.Facts, items []check.Item, verdict check.Verdict) error {
	doc := checkDocument{
		Schema: checkSchema, Version: version(), Supported: verdict.Answer == check.Yes,
		Verdict: verdict.Answer,
		Machine: checkMachine(machine()), Items: items,
	}
	if f.Calibration.Runs > 0 {
		doc.Calibration = &f.Calibration
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(doc)
}
