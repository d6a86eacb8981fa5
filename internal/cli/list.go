package cli

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/lsmprof/lsmprof/internal/cmdline"
	"github.com/lsmprof/lsmprof/internal/listing"
)

func listCommand() *command {
	return &command{
		Command: cmdline.Command{
			Name: "list", Group: groupLook,
			Summary: "List enforcers, the rules of each workload, and BPF LSM programs",
			Examples: []cmdline.Example{
				{
					What:    "Show which enforcers run, and how many rules each pod has",
					Command: "sudo lsmprof list",
				},
				{
					What:    "Show their programs, too, and who holds them",
					Command: "sudo lsmprof list --programs",
				},
				{What: "The same for a script", Command: "sudo lsmprof list --json"},
				{
					What:    "Count the rules of an enforcer that lsmprof does not know",
					Command: "sudo lsmprof list --rules-map my_rules",
				},
			},
		},
		setup: func(f *cmdline.Flags) action {
			var known containers
			var unknown enforcerFlags
			var d cmdline.Destination
			d.Flags(f, "Write to this `FILE` instead of stdout.", "text", "json")
			programs := f.Bool("programs", false, "List every BPF LSM program as well.")
			f.Group(cmdline.Containers)
			known.endpointFlag(f)
			unknown.flags(f)
			unknown.containers = &known
			return func(ctx context.Context, std streams, _ []string) error {
				if err := unknown.validate(); err != nil {
					return usageError{fmt.Errorf("list: %w", err)}
				}
				return std.produce(&d, func(std streams) error {
					return list(ctx, std, &unknown, d.JSON(), *programs)
				})
			}
		},
	}
}

func list(ctx context.Context, std streams, unknown *enforcerFlags, asJSON, programs bool) error {
	known := unknown.containers
	known.Look(ctx)
	l, err := listing.New(unknown.registry(), known, known.Running())
	if err != nil {
		return classify(err)
	}
	if warning := known.Unlocated(); warning != "" {
		l.Warnings = append(l.Warnings, warning)
	}
	if asJSON {
		enc := json.NewEncoder(std.out)
		enc.SetIndent("", "  ")
		return enc.Encode(l)
	}
	return l.Write(std.out, listing.TextOptions{
		Programs: programs,
		Unknown:  " (name their map with --rules-map, or give their number with --rules)",
	})
}
