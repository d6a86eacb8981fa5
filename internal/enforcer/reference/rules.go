package reference

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/text"
)

// ParseRules parses numbers of rules: "8" for 8 of each type, or numbers by type as in "file=8,net=4". Types that
// are not named have none. With a single number, cap and ptrace have at most 23 and 1, because they cannot have
// more.
func ParseRules(s string) (enforcer.Rules, error) {
	var r enforcer.Rules
	s = strings.TrimSpace(s)
	if s == "" {
		return r, errors.New("no number of rules: want N, or file=N,exec=N,net=N,mount=N,cap=N,ptrace=N")
	}
	if !strings.Contains(s, "=") {
		n, err := parseCount("each type", s)
		if err != nil {
			return r, err
		}
		return enforcer.Rules{
			File: n, Exec: n, Net: n, Mount: n, Cap: min(n, maxFillerCaps), Ptrace: min(n, 1),
		}, nil
	}
	fields := map[string]*int{
		"file": &r.File, "exec": &r.Exec, "net": &r.Net, "mount": &r.Mount, "cap": &r.Cap, "ptrace": &r.Ptrace,
	}
	for part := range strings.SplitSeq(s, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		field := fields[name]
		if field == nil {
			return enforcer.Rules{}, fmt.Errorf("rules %q: unknown or repeated type %q; "+
				"want file, exec, net, mount, cap and ptrace, each once", s, name)
		}
		delete(fields, name)
		n, err := parseCount(name, value)
		if err != nil {
			return enforcer.Rules{}, err
		}
		*field = n
	}
	return r, Policy{Fillers: r}.Check()
}

func parseCount(what, s string) (int, error) {
	n, err := strconv.ParseUint(s, 10, 31)
	switch {
	case errors.Is(err, strconv.ErrRange) || err == nil && n > MaxRules:
		return 0, fmt.Errorf("%s rules of %s: at most %d of a type", s, what, MaxRules)
	case err != nil:
		return 0, fmt.Errorf("rules of %s: %q is no number of rules", what, s)
	}
	return int(n), nil
}

// DescribeRules returns "8 rules of each type", or the number for each type that has some.
func DescribeRules(r enforcer.Rules) string {
	if same, err := ParseRules(strconv.Itoa(r.File)); err == nil && same == r && r.File > 0 {
		return text.Plural(r.File, "rule") + " of each type"
	}
	var kinds []string
	for _, kind := range []struct {
		n    int
		name string
	}{
		{r.File, "file"},
		{r.Exec, "exec"},
		{r.Net, "net"},
		{r.Mount, "mount"},
		{r.Cap, "cap"},
		{r.Ptrace, "ptrace"},
	} {
		if kind.n > 0 {
			kinds = append(kinds, text.Plural(kind.n, kind.name+" rule"))
		}
	}
	if len(kinds) == 0 {
		return "no rules"
	}
	return text.List(kinds)
}
