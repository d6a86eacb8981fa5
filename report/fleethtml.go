package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"

	pprof "github.com/google/pprof/profile"

	"github.com/lsmprof/lsmprof/internal/fleet"
	"github.com/lsmprof/lsmprof/internal/stats"
	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/profile"
)

//go:embed fleet.html
var fleetHTML string

// fleetPage is the data of fleet.html.
type fleetPage struct {
	*FleetReport
	webPage
	Roots  []string
	Plot   template.HTML
	Shown  []shownTable
	Errors []string
}

// fleetRoots are the roots of the flame graphs of a fleet.
var fleetRoots = []string{profile.LevelHook, profile.LevelSyscall, profile.LevelRules}

// WriteHTML writes the report as one HTML file that loads nothing else.
func (r *FleetReport) WriteHTML(w io.Writer) error { return r.writeHTML(w, nil) }

func (r *FleetReport) writeHTML(w io.Writer, links []link) error {
	page := fleetPage{FleetReport: r, Roots: fleetRoots, Shown: r.shown(), Plot: fleetPlot(r)}
	f := &flames{index: map[string]int{}, Pages: []flame{}, Parts: []string{}}
	if p := r.merged(); len(p.Sample) > 0 {
		for _, root := range fleetRoots {
			if err := f.add(p, nil, flame{Scenario: profileName, Root: root}); err != nil {
				page.Errors = append(page.Errors, fmt.Sprintf("no flame graph by %s: %v", root, err))
			}
		}
	}
	var err error
	if page.webPage, err = newWebPage(links, f); err != nil {
		return err
	}
	return writePage(w, page, fleetHTML)
}

// Handler returns a handler for "/", which serves the page of WriteHTML with links to pprof's web UI on the sum of all
// nodes, as [Report.Handler] does.
func (r *FleetReport) Handler() (http.Handler, error) {
	site := site{mux: http.NewServeMux()}
	if p := r.merged(); len(p.Sample) > 0 {
		pages, err := pprofPages(p, nil)
		if err != nil {
			return nil, err
		}
		site.add("pprof/0/", "all nodes", pages)
	}
	return site.handler(r.writeHTML)
}

// merged returns the profile of all nodes together, without workloads: these belong to one node.
func (r *FleetReport) merged() *pprof.Profile {
	p := &pprof.Profile{
		SampleType: []*pprof.ValueType{{Type: "calls", Unit: "count"}, {
			Type: profile.HookTime,
			Unit: "nanoseconds",
		}},
		DefaultSampleType: profile.HookTime,
	}
	if r.sums == nil {
		return p
	}
	locations := map[[2]string]*pprof.Location{}
	mappings := map[string]*pprof.Mapping{}
	at := func(enforcer, level, name string) *pprof.Location {
		key := [2]string{enforcer, profile.FrameName(level, name)}
		if locations[key] == nil {
			if mappings[enforcer] == nil {
				mappings[enforcer] = &pprof.Mapping{
					ID: uint64(len(p.Mapping) + 1), File: enforcer,
					HasFunctions: true,
				}
				p.Mapping = append(p.Mapping, mappings[enforcer])
			}
			f := &pprof.Function{ID: uint64(len(p.Function) + 1), Name: key[1], SystemName: key[1]}
			locations[key] = &pprof.Location{
				ID: uint64(len(p.Location) + 1), Mapping: mappings[enforcer],
				Line: []pprof.Line{{Function: f}},
			}
			p.Function, p.Location = append(p.Function, f), append(p.Location, locations[key])
		}
		return locations[key]
	}
	costs := map[fleet.Part]fleet.Cost{}
	for _, n := range r.sums.Nodes {
		n.Each(r.sums, func(part *fleet.Part,
			c fleet.Cost,
		) {
			costs[part.Alike()] = c.Plus(costs[part.Alike()])
		})
	}
	for _, part := range slices.SortedFunc(maps.Keys(costs), fleet.Part.Compare) {
		owner := text.Enforcer(part[fleet.Enforcer])
		c := costs[part]
		s := &pprof.Sample{Value: []int64{c.Calls, c.Ns}}
		for _, f := range []struct{ level, name string }{ // leaf first
			{profile.LevelProgram, part[fleet.Program]},
			{profile.LevelHook, part[fleet.Hook]},
			{profile.LevelSyscall, part[fleet.Syscall]},
			{profile.LevelRules, rulesName(part[fleet.Rules])},
		} {
			if f.name != "" {
				s.Location = append(s.Location, at(owner, f.level, f.name))
			}
		}
		p.Sample = append(p.Sample, s)
	}
	return p
}

func rulesName(rules string) string {
	if n, err := strconv.Atoi(rules); err == nil && n >= 0 {
		return text.Plural(n, "rule")
	}
	return "unknown"
}

func medianOr1(xs []float64) float64 {
	if len(xs) == 0 {
		return 1
	}
	return stats.Median(xs)
}
