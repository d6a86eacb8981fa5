package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lsmprof/lsmprof/internal/cmdline"
	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/inforce"
	"github.com/lsmprof/lsmprof/internal/lsm"
	"github.com/lsmprof/lsmprof/tracer"
)

// enforcerFlags are the flags about enforcers that lsmprof does not know, and the registry that they configure.
type enforcerFlags struct {
	rulesMap string // --rules-map
	rules    int    // --rules; negative: not given
	noRules  bool   // the command has another flag of that name

	containers *containers       // their images show the versions of enforcers; nil: unknown
	shared     *inforce.Registry // see registry
}

const rulesMapUsage = "For enforcers that lsmprof does not know, count the rules in their map `NAME[:KEY-PREFIX]`. " +
	"The prefix is text or 0x…"

func (o *enforcerFlags) flags(f *cmdline.Flags) {
	f.Group(cmdline.Advanced)
	f.StringVar(&o.rulesMap, "rules-map", "", rulesMapUsage)
	o.rules = -1
	if o.noRules {
		return
	}
	f.Var(cmdline.Int(&o.rules, 0, 1<<20), "rules",
		"For enforcers that lsmprof does not know, assume `N` rules.")
	f.Lookup("rules").DefValue = ""
}

func (o *enforcerFlags) validate() error {
	switch {
	case o.rulesMap != "" && o.rules >= 0:
		return errors.New("--rules and --rules-map: give one of them")
	case o.rulesMap != "":
		if _, err := enforcer.ParseRulesMap(o.rulesMap); err != nil {
			return fmt.Errorf("--rules-map %w", err)
		}
	}
	return nil
}

// registry returns the registry that all parts of one command share. The flags must be valid.
func (o *enforcerFlags) registry() *inforce.Registry {
	if o.shared == nil {
		o.shared = inforce.New(o.source())
		if o.containers != nil {
			o.shared.UseImages(o.containers.Image)
		}
	}
	return o.shared
}

// close closes the maps of enforcers that the registry has opened, and adds the error to that of the command. Every
// command with a registry defers it.
func (o *enforcerFlags) close(err *error) {
	if o.shared != nil {
		*err = errors.Join(*err, o.shared.Close())
	}
}

// source returns where unknown enforcers keep their rules, nil if no flag says so.
func (o *enforcerFlags) source() *enforcer.RuleSource {
	switch {
	case o.rulesMap != "":
		if s, err := enforcer.ParseRulesMap(o.rulesMap); err == nil {
			return &s
		}
	case o.rules >= 0:
		return &enforcer.RuleSource{Number: o.rules}
	}
	return nil
}

// warning says that --rules-map or --rules has no effect, or is "".
func (o *enforcerFlags) warning() string {
	switch {
	case o.shared == nil || !o.shared.SourceUnused():
		return ""
	case o.rulesMap != "":
		return fmt.Sprintf("--rules-map %s has no effect: no enforcer whose rules lsmprof cannot read itself "+
			"has a map of this name", o.rulesMap)
	}
	return fmt.Sprintf("--rules=%d has no effect: lsmprof reads the rules of every attached enforcer itself",
		o.rules)
}

// knownEnforcer reports whether --enforcer accepts a name: a product, generic for all others, or generic:COMMAND.
func knownEnforcer(name string) bool {
	return slices.Contains(enforcerNames(), name) || slices.Contains(lsm.ModuleNames(), name) ||
		strings.HasPrefix(name, tracer.Generic+":")
}

func enforcerNames() []string {
	var names []string
	for _, e := range enforcer.All() {
		names = append(names, e.Name)
	}
	return append(names, tracer.Generic)
}
