package costtable

import (
	"fmt"
	"strings"

	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/profile"
)

// little is the largest share that is not worth a word.
const little = 0.005

// Idle says how much of the hook cost was spent where no rule applies. It returns "" if that is unknown.
func Idle(enforcers []profile.EnforcerCost) string {
	var known []profile.EnforcerCost
	var hook, unknown float64
	for _, e := range enforcers {
		hook, unknown = hook+e.Hook, unknown+e.Unknown
		if e.Hook > 0 && e.Unknown < e.Hook {
			known = append(known, e)
		}
	}
	if len(known) == 0 {
		return ""
	}
	rest := ""
	if share := unknown / hook; share > little {
		rest = fmt.Sprintf("; the rules are unknown for %s", text.Percent(share))
	}
	if len(enforcers) == 1 {
		return idleShare(known[0]) + " of it was spent where no rule applies" + rest
	}
	var parts []string
	for _, e := range known {
		parts = append(parts, fmt.Sprintf("%s of the cost of %s", idleShare(e), text.Enforcer(e.Name)))
	}
	return "spent where no rule applies: " + strings.Join(parts, ", ") + rest
}

func idleShare(e profile.EnforcerCost) string {
	if share := e.Idle / e.Hook; share >= 5e-5 {
		return text.Percent(share)
	}
	return "none"
}
