package bench

import (
	"maps"
	"slices"
	"strings"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/inforce"
	"github.com/lsmprof/lsmprof/internal/rundir"
)

// found adds to run.json which enforcers were attached while a scenario was measured.
func (d *Dir) found(s rundir.Scenario, r inforce.Reading) error {
	all := []rundir.Enforcer{}
	for _, e := range r.Enforcers {
		found := rundir.Enforcer{Product: e.Name, Version: e.Version, Programs: len(e.Programs)}
		if e.Name == enforcer.Reference.Name && found.Version == "" {
			found.Version = d.Info.Version
		}
		all = append(all, found)
	}
	if known, ok := d.Info.Enforcers[s.Name]; ok && slices.Equal(all, known) {
		return nil
	}
	if d.Info.Enforcers == nil {
		d.Info.Enforcers = map[string][]rundir.Enforcer{}
	}
	d.Info.Enforcers[s.Name] = all
	return d.SaveInfo()
}

// nameEnforcer names the enforcer of the run after what was found in force.
func (d *Dir) nameEnforcer() error {
	subjects := subjects(&d.Info, d.journal.results)
	if len(subjects) == 0 {
		return nil
	}
	name, version := names(subjects), ""
	if len(subjects) == 1 {
		version = subjects[0].Version
	}
	if name == d.Info.Enforcer && version == d.Info.Product {
		return nil
	}
	d.Info.Enforcer, d.Info.Product = name, version
	return d.SaveInfo()
}

func names(all []rundir.Enforcer) string {
	var out []string
	for _, e := range all {
		out = append(out, e.Product)
	}
	return strings.Join(out, ", ")
}

// subjects returns the enforcers that a run is about: those with rules for the workload in some scenarios, or attached
// in some scenarios only. It needs results of all scenarios: before, an enforcer that is attached in all of them looks
// like a subject.
func subjects(info *rundir.Info, results []rundir.Result) []rundir.Enforcer {
	attached, confining := map[string]int{}, map[string]bool{}
	byName := map[string]rundir.Enforcer{}
	for _, s := range info.Plan.Scenarios {
		for _, e := range info.Enforcers[s.Name] {
			attached[e.Product]++
			byName[e.Product] = e
		}
	}
	for i := range results {
		if f := results[i].InForce; f != nil {
			for product := range f.Policies {
				confining[product] = true
			}
		}
	}
	var all []rundir.Enforcer
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		if confining[name] || attached[name] < len(info.Plan.Scenarios) {
			all = append(all, byName[name])
		}
	}
	return all
}
