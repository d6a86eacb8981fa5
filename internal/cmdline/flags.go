package cmdline

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// Groups of flags, in the order in which help lists them. A command may have groups of its own, which come first.
const (
	Measure    = "What to measure"
	Filters    = "Filters"
	Output     = "Output"
	Containers = "Containers"
	Accuracy   = "Accuracy"
	Advanced   = "Advanced"
	Common     = "Common"
)

// Keys of pflag's annotations, which carry what pflag has no field for.
const (
	groupKey = "group"
	rareKey  = "rare"
	noEnvKey = "no environment"
	sameKey  = "same value"
)

// Flags are the flags of a command. Declare them with the methods of pflag.FlagSet after a call of Group.
type Flags struct {
	*pflag.FlagSet
	group   string
	values  map[string]func() []string
	fromEnv map[string]bool
}

// NewFlags returns an empty set of flags for the command with this name. AddCommon adds those of every command.
func NewFlags(name string) *Flags {
	f := &Flags{
		FlagSet: pflag.NewFlagSet(name, pflag.ContinueOnError), group: Measure,
		values: map[string]func() []string{}, fromEnv: map[string]bool{},
	}
	f.SortFlags = false
	f.SetOutput(io.Discard)
	return f
}

// Group puts the flags that are declared after it under a headline of the help.
func (f *Flags) Group(name string) {
	f.assign()
	f.group = name
}

// assign gives the flags that were declared since the last call of Group their group.
func (f *Flags) assign() {
	f.VisitAll(func(flag *pflag.Flag) {
		if flag.Annotations[groupKey] == nil {
			annotate(flag, groupKey, f.group)
		}
	})
}

func annotate(flag *pflag.Flag, key, value string) {
	if flag.Annotations == nil {
		flag.Annotations = map[string][]string{}
	}
	flag.Annotations[key] = []string{value}
}

// Rare hides flags from --help; --help-all and the man page list them.
func (f *Flags) Rare(names ...string) {
	for _, name := range names {
		annotate(f.Lookup(name), rareKey, "")
	}
}

// NoEnv keeps the environment from setting flags.
func (f *Flags) NoEnv(names ...string) {
	for _, name := range names {
		annotate(f.Lookup(name), noEnvKey, "")
	}
}

// Same says that two flags set the same value. If one of them is on the command line, the environment sets neither.
func (f *Flags) Same(a, b string) {
	annotate(f.Lookup(a), sameKey, b)
	annotate(f.Lookup(b), sameKey, a)
}

// Values sets what completion offers for a flag whose pflag.Value has no method Choices.
func (f *Flags) Values(name string, values func() []string) { f.values[name] = values }

// Given reports whether a flag has a value from the command line or from the environment. pflag's Changed is about the
// command line alone.
func (f *Flags) Given(name string) bool { return f.Changed(name) || f.fromEnv[name] }

// Optional returns the given flag with an optional value that takes arg as its value, "" if there is none: an argument
// may be meant as the value, which has to follow after =.
func (f *Flags) Optional(arg string) (name string) {
	f.Visit(func(flag *pflag.Flag) {
		if flag.NoOptDefVal != "" && flag.Value.Type() != "bool" && flag.Value.Set(arg) == nil {
			name = flag.Name
		}
	})
	return name
}

// Parse reads the arguments of a command, and then looks in the environment for the flags that are not among them: see
// EnvNames. Its errors name the flag and say which values it takes.
func (f *Flags) Parse(args []string, env func(name string) (string, bool)) error {
	f.assign()
	if err := f.FlagSet.Parse(args); err != nil {
		return f.explain(err)
	}
	var first error
	f.VisitAll(func(flag *pflag.Flag) {
		if flag.Changed || slices.ContainsFunc(flag.Annotations[sameKey], f.Changed) || first != nil {
			return
		}
		for _, name := range f.EnvNames(flag) {
			value, ok := env(name)
			if !ok || value == "" {
				continue
			}
			if err := flag.Value.Set(value); err != nil {
				first = fmt.Errorf("%s=%s: %s", name, value, reason(flag, value, err))
			}
			f.fromEnv[flag.Name] = true
			return
		}
	})
	return first
}

// EnvNames returns the environment variables that set a flag, the most specific first: LSMPROF_RECORD_PID before
// LSMPROF_PID for --pid of record.
func (f *Flags) EnvNames(flag *pflag.Flag) []string {
	if flag.Annotations[noEnvKey] != nil || flag.Hidden {
		return nil
	}
	return []string{envName(f.Name() + "_" + flag.Name), envName(flag.Name)}
}

func envName(s string) string { return "LSMPROF_" + strings.ToUpper(strings.ReplaceAll(s, "-", "_")) }

// AddCommon declares the flags that every command has.
func (f *Flags) AddCommon(quiet, verbose, help, helpAll *bool) {
	f.Group(Common)
	f.BoolVarP(quiet, "quiet", "q", false, "Print no progress and no notes.")
	f.BoolVarP(verbose, "verbose", "v", false, "Print more details.")
	f.BoolVarP(help, "help", "h", false, "Print help.")
	f.BoolVar(helpAll, "help-all", false, "Print help with all flags.")
	f.NoEnv("help", "help-all")
}

// explain rewords an error of pflag.
func (f *Flags) explain(err error) error {
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) {
		if short := unknown.GetSpecifiedShortnames(); short != "" {
			return fmt.Errorf("unknown flag -%s", unknown.GetSpecifiedName())
		}
		name := unknown.GetSpecifiedName()
		return fmt.Errorf("unknown flag --%s%s", name, didYouMean(name, f.names(), "--"))
	}
	var missing *pflag.ValueRequiredError
	if errors.As(err, &missing) {
		flag := missing.GetFlag()
		return fmt.Errorf("--%s needs a value: %s", flag.Name, placeholder(flag))
	}
	var invalid *pflag.InvalidValueError
	if errors.As(err, &invalid) {
		flag := invalid.GetFlag()
		return fmt.Errorf("%s %s: %s", spelling(flag), invalid.GetValue(),
			reason(flag, invalid.GetValue(), invalid.Unwrap()))
	}
	return err
}

// spelling returns a flag as the user most likely typed it.
func spelling(flag *pflag.Flag) string {
	if flag.Shorthand != "" {
		return "-" + flag.Shorthand
	}
	return "--" + flag.Name
}

func (f *Flags) names() []string {
	var names []string
	f.VisitAll(func(flag *pflag.Flag) {
		if !flag.Hidden {
			names = append(names, flag.Name)
		}
	})
	return names
}

// groups returns the flags of the help by group, in the order of the help.
func (f *Flags) groups(all bool) (order []string, byGroup map[string][]*pflag.Flag) {
	f.assign()
	byGroup = map[string][]*pflag.Flag{}
	f.VisitAll(func(flag *pflag.Flag) {
		if flag.Hidden || !all && flag.Annotations[rareKey] != nil {
			return
		}
		group := flag.Annotations[groupKey][0]
		if byGroup[group] == nil {
			order = append(order, group)
		}
		byGroup[group] = append(byGroup[group], flag)
	})
	slices.SortStableFunc(order, func(a, b string) int { return rank(a) - rank(b) })
	return order, byGroup
}

// rank orders the groups that several commands have; a command's own groups come first.
func rank(group string) int {
	return slices.Index([]string{Measure, Filters, Output, Containers, Accuracy, Advanced, Common}, group)
}
