package cli

import "testing"

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

func TestManyNamesAreCut(t *testing.T) {
	eight := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
	for want, names := range map[string][]string{
		"a and b":                               {"a", "b"},
		"a, b, c, d, e, f, g and h":             eight,
		"a, b, c, d, e, f, g, h and 2 more":     append(eight[:8:8], "i", "j"),
		"a, b, c, d, e, f, g, h and 1,992 more": append(eight[:8:8], make([]string, 1992)...),
	} {
		if got := someOf(names); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
