package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/pflag"

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
					What:    "Also show their programs, and the processes that hold them",
					Command: "sudo lsmprof list --programs",
				},
				{
					What:    "Show what the rules of each workload say",
					Command: "sudo lsmprof list --rules",
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
			lsms := f.Bool("lsm", false, "List the active security modules as well: which hooks of each "+
				"can be measured, which profiles are loaded, and which workloads they confine.")
			var texts bool
			var appArmor appArmorTexts
			appArmor.flag(f)
			f.Group(cmdline.Containers)
			known.endpointFlag(f)
			unknown.flags(f)
			unknown.containers = &known
			printRules(f, &texts)
			return func(ctx context.Context, std streams, _ []string) error {
				if err := unknown.validate(); err != nil {
					return usageError{fmt.Errorf("list: %w", err)}
				}
				if appArmor.dir != "" && !*lsms {
					return usageError{errors.New("list: --apparmor-profiles needs --lsm")}
				}
				if err := appArmor.read(); err != nil {
					return err
				}
				return std.produce(&d, func(std streams) error {
					return list(ctx, std, &unknown, d.JSON(), listing.TextOptions{
						Programs: *programs, Rules: texts, Unknown: unknownRules,
					}, *lsms, appArmor.rules)
				})
			}
		},
	}
}

const unknownRules = " (name their map with --rules-map, or give their number with --rules=N)"

// listRulesFlag is the value of --rules of list: bare it prints the rules, with a number it is that of other commands.
type listRulesFlag struct {
	pflag.Value
	texts *bool
}

const bareRules = "print"

func (l listRulesFlag) Set(value string) error {
	if value == bareRules {
		*l.texts = true
		return nil
	}
	return l.Value.Set(value)
}

func printRules(f *cmdline.Flags, texts *bool) {
	flag := f.Lookup("rules")
	flag.Value = listRulesFlag{flag.Value, texts}
	flag.NoOptDefVal = bareRules
	flag.Usage = "Print the rules of each workload. With =`N`, assume N rules for enforcers that lsmprof does " +
		"not know."
}

func list(
	ctx context.Context, std streams, unknown *enforcerFlags, asJSON bool, o listing.TextOptions, lsms bool,
	appArmorRules map[string]int,
) (err error) {
	defer unknown.close(&err)
	known := unknown.containers
	known.Look(ctx)
	l, err := listing.New(unknown.registry(), listing.Options{
		Namer: known, Running: known.Running(), Rules: o.Rules,
	})
	if err != nil {
		return classify(err)
	}
	if lsms {
		if err := l.AddLSMs(known, appArmorRules); err != nil {
			return err
		}
	}
	for _, warning := range []string{known.Unlocated(), unknown.warning()} {
		if warning != "" {
			l.Warnings = append(l.Warnings, warning)
		}
	}
	if asJSON {
		enc := json.NewEncoder(std.out)
		enc.SetIndent("", "  ")
		return enc.Encode(l)
	}
	return l.Write(std.out, o)
}
