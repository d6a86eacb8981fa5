package cli

import (
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/lsmprof/lsmprof/internal/cmdline"
	"github.com/lsmprof/lsmprof/internal/policy"
	"github.com/lsmprof/lsmprof/profile"
)

// appArmorTexts are the texts of AppArmor's profiles. The kernel knows only their compiled form, which has no number of
// rules.
type appArmorTexts struct {
	dir   string
	rules map[string]int // by profile; nil: no texts
}

func (a *appArmorTexts) flag(f *cmdline.Flags) {
	f.StringVar(&a.dir, "apparmor-profiles", "", "Count the rules of AppArmor's profiles in the texts in this "+
		"`DIR`, such as /etc/apparmor.d.")
}

func (a *appArmorTexts) read() error {
	if a.dir == "" {
		return nil
	}
	rules, problems, err := policy.AppArmorRules(os.DirFS(a.dir))
	if err != nil {
		return fmt.Errorf("--apparmor-profiles %s: %w", a.dir, err)
	}
	for _, p := range problems {
		slog.Warn(fmt.Sprintf("--apparmor-profiles: %v: its number of rules is unknown", p))
	}
	a.rules = rules
	return nil
}

// policyRules returns the function for tracer.Options; nil without texts.
func (a *appArmorTexts) policyRules() func(module, confinement string) int {
	if a.rules == nil {
		return nil
	}
	return func(module, confinement string) int {
		name, _, _ := strings.Cut(confinement, " (") // nginx (enforce)
		if n, ok := a.rules[name]; ok && module == "apparmor" {
			return n
		}
		return profile.RulesUnknown
	}
}
