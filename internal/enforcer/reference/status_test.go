package reference

import "testing"

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
