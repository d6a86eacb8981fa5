package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/lsmprof/lsmprof/internal/cmdline"
	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/profile"
)

const checkSchema = "lsmprof/check/v1"

// checkCommand says whether this machine can be profiled. find returns the enforcers that are attached.
func checkCommand(find func() ([]foundEnforcer, error)) *command {
	return &command{
		Command: cmdline.Command{
			Name: "check", Group: groupLook,
			Summary: "Check whether this machine can be profiled",
			Examples: []cmdline.Example{
				{What: "See what is missing, and what to do about it", Command: "sudo lsmprof check"},
				{What: "Keep the calibration for later recordings", Command: "sudo lsmprof check --json -o calibration.json"},
			},
		},
		setup: func(f *cmdline.Flags) action {
			var d cmdline.Destination
			d.Flags(f, "Write to this `FILE` instead of stdout.", "text", "json")
			return func(_ context.Context, std streams, _ []string) error {
				return std.produce(&d, func(std streams) error { return printCheck(std.out, d.Format, gatherFacts(find)) })
			}
		},
	}
}

// printCheck prints every item; its error says in one line what is wrong first.
func printCheck(w io.Writer, format string, f machineFacts) error {
	items := judge(f)
	verdict := unsupported(items)
	if format == "json" {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		doc := checkDocument{Schema: checkSchema, Version: version(), Supported: verdict == nil, Machine: checkMachine(machine()), Items: items}
		if f.calibration.Runs > 0 {
			doc.Calibration = &f.calibration
		}
		if err := e.Encode(doc); err != nil {
			return err
		}
		return verdict
	}
	width := 0
	for _, i := range items {
		width = max(width, len(i.Name))
	}
	for _, i := range items {
		fmt.Fprintf(w, "%-4s  %-*s  %s\n", i.State, width, i.Name, text.Printable(i.Value))
		if i.Reason != "" {
			fmt.Fprintf(w, "%*s%s\n", width+8, "", text.Printable(i.Reason))
		}
		if i.Remedy != "" {
			fmt.Fprintf(w, "%*s-> %s\n", width+8, "", text.Printable(i.Remedy))
		}
	}
	if verdict == nil {
		fmt.Fprintln(w, "\nThis machine can be profiled.")
	}
	return verdict
}

type checkDocument struct {
	Schema    string       `json:"schema"`
	Version   string       `json:"lsmprof_version"`
	Supported bool         `json:"supported"`
	Machine   checkMachine `json:"machine"`
	Items     []checkItem  `json:"items"`
	// Calibration is what `lsmprof record --calibration` takes; null: not measured.
	Calibration *profile.Calibration `json:"calibration"`
}

type checkMachine struct {
	Kernel string `json:"kernel"`
	Arch   string `json:"arch"`
	CPU    string `json:"cpu"`
	CPUs   int    `json:"cpus"`
}

// unsupported is the verdict: the first item that fails, which the ones after it may follow from.
func unsupported(items []checkItem) error {
	var first *checkItem
	failed := 0
	for n := range items {
		if items[n].State == stateFail {
			if first == nil {
				first = &items[n]
			}
			failed++
		}
	}
	if first == nil {
		return nil
	}
	more := ""
	if failed > 1 {
		more = fmt.Sprintf(" (and %d more)", failed-1)
	}
	return unsupportedError{fmt.Errorf("this machine cannot be profiled: %s: %s; %s%s", first.Name, first.Reason, first.Remedy, more)}
}
