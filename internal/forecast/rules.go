package forecast

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/lsmprof/lsmprof/internal/enforcer/rules"
	"github.com/lsmprof/lsmprof/internal/text"
)

// mostRules is the largest number of rules of a kind that is forecast.
const mostRules = 1_000_000

// kinds are those that a command line names.
func kinds() []string { return rules.Kinds()[:6] }

// ParseRules reads numbers of rules: "8" for 8 of each type, or numbers by type as in "file=50,net=20". Types that are
// not named stay as they are.
func ParseRules(s string) (Rules, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return nil, errors.New("no number of rules: want N, or numbers by type as in file=50,net=20")
	}
	out := Rules{}
	if !strings.Contains(s, "=") {
		n, err := parseCount(s)
		for _, kind := range kinds() {
			out[kind] = n
		}
		return out, err
	}
	for part := range strings.SplitSeq(s, ",") {
		kind, number, _ := strings.Cut(strings.TrimSpace(part), "=")
		if _, twice := out[kind]; twice || !slices.Contains(kinds(), kind) {
			return nil, fmt.Errorf("unknown or repeated type %q; want %s, each once at most", kind,
				text.List(kinds()))
		}
		n, err := parseCount(number)
		if err != nil {
			return nil, err
		}
		out[kind] = n
	}
	return out, nil
}

func parseCount(s string) (int, error) {
	n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 31)
	if err != nil || n > mostRules {
		return 0, fmt.Errorf("%q is no number of rules: want 0 to %s", s, text.Thousands(mostRules))
	}
	return int(n), nil
}

// Counted returns the rules of a policy: a number for every kind, so that kinds without a rule have none.
func Counted(r rules.Rules) Rules {
	out := Rules{}
	for _, kind := range rules.Kinds() {
		out[kind] = *r.Named(kind)
	}
	return out
}

// String returns "file=50,net=20", or "8 rules of each type".
func (r Rules) String() string {
	var parts []string
	same := len(r) >= len(kinds())
	for _, kind := range rules.Kinds() {
		n, ok := r[kind]
		if !ok {
			continue
		}
		same = same && n == r[rules.File] || kind == rules.Other && same && n == 0
		if n > 0 || len(r) < len(kinds()) {
			parts = append(parts, fmt.Sprintf("%s=%d", kind, n))
		}
	}
	if same {
		return text.Plural(r[rules.File], "rule") + " of each type"
	}
	return strings.Join(parts, ",")
}

func plural(n int) string { return text.Plural(n, "rule") }

func cause(what, workload string, row int) string {
	return what + " " + workload + " " + strconv.Itoa(row)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
