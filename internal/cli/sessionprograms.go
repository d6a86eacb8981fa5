package cli

import (
	"errors"
	"fmt"
	"slices"

	"github.com/lsmprof/lsmprof/tracer"
)

// findFunctions looks for the functions of the security modules that the flags select.
func (s *session) findFunctions() error {
	if !s.selection.Others() {
		return nil
	}
	progs, err := s.unknown.registry().Look()
	if err != nil {
		return err
	}
	if err := s.appArmor.read(); err != nil {
		return err
	}
	if s.functions, err = s.selection.Functions(progs); err != nil {
		return fmt.Errorf("--lsm: %w", err)
	}
	return nil
}

// noteFunctions says which functions are selected but not measured.
func (s *session) noteFunctions(std streams) {
	for _, note := range s.functions.Notes("--hook") {
		std.note(note)
	}
}

// requirePrograms fails if no program and no function is selected.
func (s *session) requirePrograms() error {
	if len(s.functions.Measured) > 0 {
		return nil
	}
	progs, err := s.unknown.registry().Look()
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(progs, func(p tracer.Program) bool { return p.Attached() && s.selects(p) }) {
		return nothingToMeasureError{s.nothingToMeasure(progs)}
	}
	return nil
}

// nothingToMeasureError says that no program is selected. serve ignores it and waits for an enforcer.
type nothingToMeasureError struct{ error }

// selects reports whether the flags select a program.
func (s *session) selects(p tracer.Program) bool {
	return s.selection.Program(p, s.unknown.registry().Owner)
}

// nothingToMeasure returns the error of a selection without programs.
func (s *session) nothingToMeasure(progs []tracer.Program) error {
	attached := 0
	for _, p := range progs {
		if p.Attached() {
			attached++
		}
	}
	if s.selection.Others() {
		return errors.New("--lsm, --hook, --enforcer and --program select nothing that can be measured; " +
			"`lsmprof list` shows the active security modules")
	}
	if attached == 0 {
		return errors.New("no BPF LSM program is attached: start the enforcer first, or try `lsmprof " +
			"enforce`; `lsmprof list` shows what is loaded")
	}
	var names, hooks []string
	for _, p := range progs {
		names, hooks = append(names, p.Name), append(hooks, p.Hook)
	}
	flags := "--enforcer and --program"
	if len(s.selection.Hooks) > 0 {
		flags = "--enforcer, --program and --hook"
	}
	return fmt.Errorf("%s select none of the %d attached BPF LSM programs%s%s; "+
		"`lsmprof list --programs` names them",
		flags, attached, didYouMeanAny(s.selection.Hooks, hooks), didYouMeanAny(s.selection.Programs, names))
}
