package serve

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/lsmprof/lsmprof/profile"
)

// InForce is what enforcers have in force at a scrape, and what that takes of the machine.
type InForce struct {
	Rules    []Rules
	Programs []ProgramInfo // attached ones
	// MapBytes is how much memory the maps of an enforcer take, each map counted once.
	MapBytes map[string]uint64
	// Slots is the number of trampoline programs on each hook, of any product, and SlotLimit how many fit.
	Slots     map[string]int
	SlotLimit int
}

// Rules is the number of rules of one type that an enforcer has in force for a workload.
type Rules struct {
	Enforcer string
	Workload profile.Workload
	Type     string
	Count    int
}

// ProgramInfo is an attached program.
type ProgramInfo struct {
	profile.Program
	Version  string // of the enforcer; "" if unknown
	Tag      string // hash of its instructions; "" if it cannot be opened
	MapBytes uint64 // of the maps that it uses, some of which other programs may use, too
}

// inForceDescs are the metrics of InForce.
type inForceDescs struct {
	rules, program, programMaps, maps, slotsUsed, slotsLeft *prometheus.Desc
}

func newInForceDescs(d describe, program, workload []string) inForceDescs {
	return inForceDescs{
		rules: d("rules", "Rules in force for a workload, by type.",
			append([]string{"enforcer", "type"}, workload...)...),
		program: d("program_info", "An attached program, with the version of its enforcer and the hash of its "+
			"instructions; always 1.", append(append([]string{}, program...), "version", "tag")...),
		programMaps: d("program_map_bytes",
			"Memory of the maps that a program uses, some of which it may share.", program...),
		maps:      d("enforcer_map_bytes", "Memory of all maps of an enforcer.", "enforcer"),
		slotsUsed: d("trampoline_programs", "Trampoline programs attached to a hook, of any product.", "hook"),
		slotsLeft: d("trampoline_programs_left", "Trampoline programs that can still be attached to a hook.",
			"hook"),
	}
}

// collect reads what is in force at every scrape, because a gauge shows the present. Its tables are bounded like the
// others.
func (m *metrics) collectInForce(e emitter) {
	if m.server.config.InForce == nil {
		return
	}
	now, err := m.server.config.InForce()
	if err != nil {
		m.server.log.Debug("the scrape lacks what is in force", "reason", err)
	}
	m.collectRules(e, now.Rules)
	m.collectProgramInfo(e, now.Programs)

	limit := m.server.config.MaxSeries
	maps := newBounded[string, uint64](limit)
	for enforcer, bytes := range now.MapBytes {
		*maps.at(m.server.config.now(), label(enforcer), other) += bytes
	}
	for enforcer, row := range maps.rows {
		e.gauge(m.inForce.maps, float64(row.value), enforcer)
	}
	slots := newBounded[string, int](limit)
	for hook, n := range now.Slots {
		most := slots.at(m.server.config.now(), label(hook), other)
		*most = max(*most, n)
	}
	for hook, row := range slots.rows {
		e.gauge(m.inForce.slotsUsed, float64(row.value), hook)
		e.gauge(m.inForce.slotsLeft, float64(max(0, now.SlotLimit-row.value)), hook)
	}
}

func (m *metrics) collectRules(e emitter, rules []Rules) {
	type key struct {
		enforcer, kind string
		workload
	}
	most := newBounded[key, int](m.server.config.MaxSeries)
	for _, r := range rules {
		enforcer, kind := label(r.Enforcer), label(r.Type)
		k := key{enforcer, kind, workloadOf(r.Workload)}
		// If several workloads have one name, the one with most rules counts: no workload has the sum of their
		// rules.
		v := most.at(m.server.config.now(), k, key{enforcer, kind, otherWorkload},
			key{other, other, otherWorkload})
		*v = max(*v, r.Count)
	}
	for k, row := range most.rows {
		e.gauge(m.inForce.rules, float64(row.value),
			append([]string{k.enforcer, k.kind}, k.workload.labels()...)...)
	}
}

func (m *metrics) collectProgramInfo(e emitter, programs []ProgramInfo) {
	type key struct {
		program
		version, tag string
	}
	infos := newBounded[key, struct{}](m.server.config.MaxSeries)
	maps := newBounded[program, uint64](m.server.config.MaxSeries)
	now := m.server.config.now()
	for _, p := range programs {
		name := programOf(p.Program)
		infos.at(now, key{name, label(p.Version), label(p.Tag)}, key{program: program{other, other, other}})
		*maps.at(now, name, program{other, other, other}) += p.MapBytes
	}
	for k := range infos.rows {
		e.gauge(m.inForce.program, 1, append(k.labels(), k.version, k.tag)...)
	}
	for p, row := range maps.rows {
		e.gauge(m.inForce.programMaps, float64(row.value), p.labels()...)
	}
}
