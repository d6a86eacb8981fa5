package cli

import (
	"strings"
	"testing"
)

func TestRulesFlags(t *testing.T) {
	for _, args := range [][]string{
		{"record", "--rules", "2", "--rules-map", "x", "--", "true"},
		{"list", "--rules-map", ":"},
		{"top", "--rules-map", "a:0xf"},
		{"bench", "--rules-map", "a b", "--dry-run"},
		{"record", "--enforcer", "nobody", "--", "true"},
		{"record", "--lsm", "aparmor", "--", "true"},
		{"bench", "--lsm", "aparmor", "--dry-run"},
		{"record", "--apparmor-profiles", "/etc/apparmor.d", "--", "true"},
	} {
		if code := Main(args, nil, t.Output(), t.Output()); code != 2 {
			t.Errorf("%q: exit status %d, want 2", args, code)
		}
	}
}

// No enforcer has been looked at, so none has needed the flag.
func TestFlagsAboutRulesThatHaveNoEffect(t *testing.T) {
	for want, o := range map[string]enforcerFlags{
		"":                              {rules: -1},
		"--rules=5 has no effect":       {rules: 5},
		"--rules-map nosuch has no eff": {rules: -1, rulesMap: "nosuch"},
	} {
		o.registry()
		if got := o.warning(); !strings.HasPrefix(got, want) || (got == "") != (want == "") {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
