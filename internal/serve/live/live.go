// Package live reads from this machine what `lsmprof serve` exports beside costs.
package live

import (
	"errors"

	"github.com/lsmprof/lsmprof/internal/inforce"
	"github.com/lsmprof/lsmprof/internal/lsm"
	"github.com/lsmprof/lsmprof/internal/serve"
	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

// InForce returns what the enforcers of registry have in force now. namer names workloads.
func InForce(registry *inforce.Registry, namer tracer.Namer) (now serve.InForce, err error) {
	reading, err := registry.Read()
	// An idle server keeps no map alive whose enforcer is gone. A tracer that runs opens its maps again.
	if err := errors.Join(err, registry.Close()); err != nil {
		return now, err
	}
	resources, err := registry.Resources(reading)
	now.MapBytes, now.Slots, now.SlotLimit = resources.Enforcers, resources.Slots, lsm.TrampolineLimit
	names := tracer.Workloads(namer)
	for _, e := range reading.Enforcers {
		for _, p := range e.Programs {
			r := resources.Programs[p.ID]
			now.Programs = append(now.Programs, serve.ProgramInfo{
				Program: profile.Program{
					ID: uint32(p.ID), Name: p.Name, Hook: p.Hook, Enforcer: e.Name,
				},
				Version: e.Version, Tag: r.Tag, MapBytes: r.MapBytes,
			})
		}
		for ns, policy := range e.Policies {
			w, r := profile.Workload{Comm: "(every other)"}, policy.Rules
			if ns != tracer.AllWorkloads {
				w = names(ns)
			}
			for kind, n := range map[string]int{
				"file": r.File, "exec": r.Exec, "net": r.Net, "mount": r.Mount, "cap": r.Cap,
				"ptrace": r.Ptrace, "other": r.Other,
			} {
				now.Rules = append(now.Rules,
					serve.Rules{Enforcer: e.Name, Workload: w, Type: kind, Count: n})
			}
		}
	}
	return now, errors.Join(err, reading.Err())
}
