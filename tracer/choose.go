package tracer

import (
	"fmt"
	"strings"

	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/profile"
)

// choose returns the targets among progs: attached programs that are selected or, with ScopeHook, the hooks of those.
//
// A program that refuses to be opened takes no probes. If calls are counted, its hook is a target besides the programs.
// lacking says which programs are selected and have no probes, and why.
func (s *probeSet) choose(progs []Program) (out []target, lacking []string) {
	var refused []string
	hooks := map[string]int{}
	for _, p := range progs {
		if !p.Attached() || p.forCalibration() || s.opts.Select != nil && !s.opts.Select(p) {
			continue
		}
		if s.machine.scope == profile.ScopeProgram {
			if p.Refused {
				refused = append(refused, fmt.Sprintf("%s (id %d, %s)", p.Name, p.ID, p.Hook))
				if _, ok := hooks[p.Hook]; !ok && !s.events {
					hooks[p.Hook] = len(out)
					out = append(out, wholeHook(p))
				}
				continue
			}
			if !p.HasBTF {
				lacking = append(lacking, fmt.Sprintf("%s (id %d) cannot be probed without BTF: "+
					"its enforcer has to be built with it", p.Name, p.ID))
				continue
			}
			out = append(out, target{program: p, scope: s.machine.scope})
			continue
		}
		if i, ok := hooks[p.Hook]; ok {
			out[i].program.Sleepable = out[i].program.Sleepable || p.Sleepable
			continue
		}
		hooks[p.Hook] = len(out)
		out = append(out, target{program: p, scope: s.machine.scope})
	}
	if len(refused) > 0 {
		lacking = append(lacking, s.refusing(refused))
	}
	for _, f := range s.opts.Functions {
		out = append(out, f.target(s.machine.scope == profile.ScopeHook))
	}
	return out, lacking
}

// refusing says what programs that refuse to be opened mean for the measurement.
func (s *probeSet) refusing(programs []string) string {
	what := text.Plural(len(programs), "program") + " refuse"
	instead := "their hooks are measured as a whole, less the programs that can be measured"
	if s.events {
		instead = "their calls are not traced"
	}
	if len(programs) == 1 {
		what += "s"
	}
	return what + " to be opened, so that " + instead + ": " + strings.Join(programs, ", ")
}
