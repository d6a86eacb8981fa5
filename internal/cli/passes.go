package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/lsmprof/lsmprof/internal/atomicfile"
	"github.com/lsmprof/lsmprof/internal/cmdline"
	"github.com/lsmprof/lsmprof/internal/recording"
	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

// optionalPass is a pass that may follow the recording: --cross-check or --cross-check=DURATION.
type optionalPass struct {
	on       bool
	duration time.Duration // 0: the user gave none
}

// flag declares the flag of a pass.
func (p *optionalPass) flag(f *cmdline.Flags, name, usage string) {
	f.Switch(&p.on, cmdline.Duration(&p.duration, cmdline.Positive), name, usage)
}

// passFlags are the flags of the passes that follow a recording.
type passFlags struct {
	crossCheck    optionalPass
	eachRule      optionalPass
	ruleCallbacks []string
}

func (o *passFlags) eachRuleFlags(f *cmdline.Flags) {
	o.eachRule.flag(f, "each-rule",
		"Afterwards time each rule by itself, in a separate pass, and say which never "+
			"matched. A command runs again for this. The default length, auto, is that of the "+
			"recording, at most 5s.")
	f.StringSliceVar(&o.ruleCallbacks, "rule-callback", nil,
		"With --each-rule, for enforcers that lsmprof does not know: time this `FUNCTION` of a program, which "+
			"looks at the rule whose index is its first argument.")
	f.Rare("rule-callback")
}

func (o *passFlags) crossCheckFlag(f *cmdline.Flags) {
	o.crossCheck.flag(f, "cross-check", "Afterwards count and time with the kernel's bpf_stats, without probes, "+
		"and compare. A command runs a second time for this, and the whole machine is recorded. "+
		"The default length, auto, is that of the recording, at most 5s.")
	f.Rare("cross-check")
}

// check returns an error if the passes do not fit the recording: work is what it measures, and filtered says that it
// leaves out processes.
func (o *passFlags) check(work *recording.Work, filtered bool) error {
	for _, p := range []struct {
		flag string
		optionalPass
	}{{"--cross-check", o.crossCheck}, {"--each-rule", o.eachRule}} {
		switch {
		case !p.on:
		case len(work.Command) > 0 && p.duration > 0:
			return fmt.Errorf("%s=DURATION with a command: the command runs again to its end; "+
				"omit DURATION",
				p.flag)
		case len(work.Command) == 0 && work.Duration == 0:
			return fmt.Errorf("%s needs a recording that ends by itself: give --duration or a command",
				p.flag)
		}
	}
	switch {
	case o.crossCheck.on && filtered:
		return errors.New("--cross-check with a filter on processes or containers: bpf_stats counts every call")
	case !o.eachRule.on && len(o.ruleCallbacks) > 0:
		return errors.New("--rule-callback needs --each-rule")
	}
	return nil
}

// supported fails before anything is measured if this kernel cannot probe programs.
func (o *passFlags) supported() error {
	scope, err := tracer.SupportedScope()
	if err == nil && o.eachRule.on && scope != profile.ScopeProgram {
		err = fmt.Errorf("--each-rule probes functions of programs, which needs Linux 5.18: %w",
			tracer.ErrUnsupported)
	}
	return err
}

// pass adds the further passes to snap.
func (o *recordOptions) pass(ctx context.Context, work *recording.Work, snap *profile.Snapshot) error {
	if o.crossCheck.on {
		if err := work.CrossCheck(ctx, snap, o.crossCheck.duration); err != nil {
			return err
		}
	}
	if o.eachRule.on {
		return classify(work.EachRule(ctx, snap, o.baseOptions(), o.unknown.registry(), o.ruleCallbacks,
			o.eachRule.duration))
	}
	return nil
}

// writeRules writes the profile of the rules beside the other one, and says how to look at it.
func (o *recordOptions) writeRules(std streams, e *profile.EachRule) error {
	if e == nil || len(e.Rows) == 0 || o.Path == "-" {
		return nil
	}
	path := recording.RulesPath(o.Path)
	out, err := atomicfile.Create(path)
	if err != nil {
		return err
	}
	defer out.Discard()
	if _, err := out.Commit(e.Write); err != nil {
		return err
	}
	std.say(fmt.Sprintf("wrote %s\nlook at it: go tool pprof -top -tagroot=rule %s", path, path))
	return nil
}
