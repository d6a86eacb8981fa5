package tracer

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/profile"
)

// maxPaths bounds how many different paths a Tracer keeps.
const maxPaths = 1 << 16

// pathCounts are the sampled paths inside programs, by row.
type pathCounts struct {
	byRow    map[rowKey]map[string]*profile.Path // by profile.Path.Key
	distinct int
	own      uint64 // samples of lsmprof's probes
	other    uint64 // samples of programs that several others may tail-call, and of paths beyond maxPaths
}

// watchLines tells the sampler which programs are probed now: before Linux 5.18, all on the hooks that are.
func (s *probeSet) watchLines() error {
	if s.lines == nil {
		return nil
	}
	programs, probes := map[ebpf.ProgramID]string{}, map[ebpf.ProgramID]bool{}
	for _, p := range s.listed {
		if p.Attached() && !p.Refused && s.probedBy(p.ID, p.Hook) >= 0 {
			programs[p.ID] = p.Name
		}
	}
	for _, t := range s.order {
		if t.probe == nil {
			continue
		}
		for _, l := range []link.Link{t.probe.enter, t.probe.exit, t.probe.stack} {
			if l == nil {
				continue
			}
			info, err := l.Info()
			if err != nil {
				return err
			}
			probes[info.Program] = true
		}
	}
	return s.lines.watch(programs, probes)
}

// probedBy returns the index of the target that measures a program, or -1.
func (s *probeSet) probedBy(id ebpf.ProgramID, hook string) int {
	key := targetID{id: id}
	if s.machine.scope == profile.ScopeHook {
		key = targetID{hook: hook}
	}
	return slices.Index(s.order, s.targets[key])
}

// readLines returns the samples since the last call.
func (s *probeSet) readLines() (all []lineSample) {
	if s.lines == nil {
		return nil
	}
	if err := s.lines.read(func(l lineSample) { all = append(all, l) }); err != nil {
		s.warnf("%v", err)
	}
	return all
}

// chargeLine adds a sample to the row of the call that it was taken in.
func (t *Tracer) chargeLine(l lineSample) {
	if t.set.excludes(l.mntns) {
		return
	}
	calls := t.set.lines.code.insides(l.stack, t.set.kernelCode)
	if len(calls) == 0 {
		// Other code lies between the programs, such as modules: samples of it are not in a program at all.
		switch program, probe := t.set.lines.code.on(l.stack); {
		case probe:
			t.paths.own++
		case program:
			t.paths.other++
		}
	}
	for _, call := range calls {
		program := -1
		if i := slices.IndexFunc(t.set.listed, func(p Program) bool { return p.ID == call.program }); i >= 0 {
			program = t.set.probedBy(call.program, t.set.listed[i].Hook)
		}
		switch {
		case program < 0:
			t.paths.other++
		case len(call.path) == 0:
			t.paths.own++
		default:
			key := rowKey{
				program, syscallName(l.syscall), t.set.names.lookup(l.mntns, l.comm),
				t.set.rules(t.set.order[program], l.mntns), "",
			}
			t.paths.add(key, profile.Path{
				Program: t.set.lines.code.programs[call.program].name, Code: call.path,
			})
		}
	}
}

func (p *pathCounts) add(key rowKey, path profile.Path) {
	text := path.Key()
	if p.byRow == nil {
		p.byRow = map[rowKey]map[string]*profile.Path{}
	}
	if p.byRow[key] == nil {
		p.byRow[key] = map[string]*profile.Path{}
	}
	known := p.byRow[key][text]
	if known == nil {
		if p.distinct == maxPaths {
			p.other++
			return
		}
		p.distinct++
		known = &path
		p.byRow[key][text] = known
	}
	known.Count++
}

// kernelCode names a function of the kernel.
func (s *probeSet) kernelCode(address uint64) profile.Code {
	f := s.kernelSymbols().frame(address + 1)
	return profile.Code{Function: cmp.Or(f.Function, f.String()), Module: f.Module}
}

// addPaths adds to the rows of a snapshot the paths that their calls were sampled in, and how the sampling went.
func (t *Tracer) addPaths(s *profile.Snapshot, keys []rowKey) {
	lines := t.set.lines
	tally := lines.tally()
	in := &profile.Inside{
		Event: lines.events.kind, Hz: lines.events.hz,
		Own: t.paths.own, Other: t.paths.other + lines.damaged, Lost: tally.Lost, Unknown: tally.Unknown,
	}
	for i, key := range keys {
		for _, path := range slices.Sorted(maps.Keys(t.paths.byRow[key])) {
			path := t.paths.byRow[key][path]
			s.Rows[i].Paths = append(s.Rows[i].Paths, *path)
			in.Samples += path.Count
		}
	}
	hidden := 0
	for _, id := range slices.Sorted(maps.Keys(lines.code.programs)) {
		p := lines.code.programs[id]
		if !p.own {
			if p.without == withoutAddresses {
				hidden++
			}
			in.Programs = append(in.Programs, profile.Source{
				Program: p.name, Without: p.without,
				Lines: p.lines,
			})
		}
	}
	s.Inside = in
	if in.Hz < lines.hz {
		s.Warnings = append(s.Warnings, profile.Warning{Text: fmt.Sprintf("lines were sampled %s times per "+
			"second, not %s: the kernel allows no more (kernel.perf_event_max_sample_rate)",
			text.Thousands(in.Hz), text.Thousands(lines.hz))})
	}
	if hidden > 0 {
		s.Warnings = append(s.Warnings, profile.Warning{Text: fmt.Sprintf("no sample can be in %s: %s",
			text.Plural(hidden, "program"), withoutAddresses)})
	}
}
