package cli

import (
	"fmt"
	"log/slog"
	"os"

	"github.com/lsmprof/lsmprof/internal/cmdline"
	"github.com/lsmprof/lsmprof/internal/policy"
)

// appArmorTexts is the flag for the texts of AppArmor's profiles.
type appArmorTexts struct {
	dir   string
	rules policy.AppArmor // nil: no texts
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
