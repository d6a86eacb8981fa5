package tracer

import (
	"slices"

	"github.com/cilium/ebpf"

	"github.com/lsmprof/lsmprof/profile"
)

// probeEntry is how far behind the first instruction of a program the call of its probes returns to, at most: 5 bytes
// on amd64 with endbr64 9, and 12 on arm64. No program calls anything that early.
const probeEntry = 12

// inside is one call of a program that a sample was taken in.
type inside struct {
	program ebpf.ProgramID // that the hook ran
	// path is innermost first. Empty: the sample interrupted the probes of the program.
	path []profile.Code
}

// insides returns the calls of programs on a stack, the innermost first. There is more than one if a program caused the
// call of another. A call that is in no known program is not among them.
//
// The trampoline with the probes of a program is called by the program's first instruction, and itself calls the rest
// of the program. So a probed program is on the stack twice: at its first instruction, and below that, with the
// trampoline between the two, where it really is. Programs that it tail-calls have replaced the latter.
func (c *code) insides(stack []uint64, kernel func(address uint64) profile.Code) (all []inside) {
	var now *inside
	var probed bool // now was seen at its first instruction
	for i := len(stack) - 1; i >= 0; i-- {
		address := stack[i]
		if i > 0 {
			address-- // of the call that returns here
		}
		f := c.place(address)
		switch {
		case f == nil:
			if now != nil && len(now.path) > 0 {
				now.path = append(now.path, kernel(address))
			}
		case f.program.own:
			continue
		case f.main && i > 0 && address < f.start+probeEntry:
			all = append(all, inside{program: f.program.id})
			now, probed = &all[len(all)-1], true
		case now != nil && (probed || c.belongs(f.program, now.program)):
			now.path = append(now.path, f.at(address))
		default:
			id, ok := c.caller(f.program)
			if !ok {
				now = nil
				continue
			}
			all = append(all, inside{program: id, path: []profile.Code{f.at(address)}})
			now, probed = &all[len(all)-1], false
		}
	}
	for i := range all {
		slices.Reverse(all[i].path)
	}
	slices.Reverse(all)
	return all
}

// belongs reports whether a program is another one, or may be tail-called by it.
func (c *code) belongs(p *codeProgram, root ebpf.ProgramID) bool {
	return p.id == root || slices.Contains(p.tailOf, root)
}

// caller returns the program that a hook ran if p was interrupted and no probe says which: p itself, or the only one
// that tail-calls it.
func (c *code) caller(p *codeProgram) (ebpf.ProgramID, bool) {
	switch len(p.tailOf) {
	case 0:
		return p.id, true
	case 1:
		return p.tailOf[0], true
	}
	return 0, false
}

// on reports whether a known program is on a stack, and whether one of lsmprof's probes is.
func (c *code) on(stack []uint64) (program, probe bool) {
	for _, address := range stack {
		if f := c.place(address); f != nil {
			program, probe = program || !f.program.own, probe || f.program.own
		}
	}
	return program, probe
}
