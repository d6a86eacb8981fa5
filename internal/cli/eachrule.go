package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/lsmprof/lsmprof/internal/atomicfile"
	"github.com/lsmprof/lsmprof/internal/cmdline"
	"github.com/lsmprof/lsmprof/internal/ownns"
	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

// eachRuleFlags are the flags of the pass that times each rule.
type eachRuleFlags struct {
	pass      crossCheckFlag
	functions []string // --rule-callback
}

func (o *recordOptions) eachRuleFlags(f *cmdline.Flags) {
	f.Var(&o.eachRule.pass, "each-rule",
		"Afterwards time each rule by itself, in a pass of its own, and say which never "+
			"matched. A command runs again for this. The default length, auto, is that of the "+
			"recording, at most 5s.")
	f.Lookup("each-rule").NoOptDefVal = bareCrossCheck
	f.StringSliceVar(&o.eachRule.functions, "rule-callback", nil,
		"With --each-rule, for enforcers that lsmprof does not "+
			"know: time this `FUNCTION` of a program, which looks at the rule whose index is its first "+
			"argument.")
	f.Rare("rule-callback")
}

func (o *recordOptions) validateEachRule() error {
	pass := o.eachRule.pass
	switch {
	case !pass.on && len(o.eachRule.functions) > 0:
		return errors.New("--rule-callback needs --each-rule")
	case !pass.on:
	case len(o.command) > 0 && pass.duration > 0:
		return errors.New("--each-rule=DURATION with a command: the command runs again to its end; " +
			"omit DURATION")
	case len(o.command) == 0 && o.duration == 0:
		return errors.New("--each-rule needs a recording that ends by itself: give --duration or a command")
	}
	return nil
}

// supportsEachRule fails before anything is measured if this kernel cannot probe programs.
func (o *recordOptions) supportsEachRule() error {
	scope, err := tracer.SupportedScope()
	if err == nil && o.eachRule.pass.on && scope != profile.ScopeProgram {
		err = fmt.Errorf("--each-rule probes functions of programs, which needs Linux 5.18: %w",
			tracer.ErrUnsupported)
	}
	return err
}

// timeRules adds the pass that times each rule to snap. The other probes must be detached.
func (o *recordOptions) timeRules(ctx context.Context, std streams, snap *profile.Snapshot) error {
	if !o.eachRule.pass.on {
		return nil
	}
	warn := func(format string, args ...any) {
		snap.Warnings = append(snap.Warnings, profile.Warning{Text: fmt.Sprintf(format, args...)})
	}
	if ctx.Err() != nil {
		warn("no rule was timed: the recording was interrupted")
		return nil
	}
	registry := o.unknown.registry()
	before, err := registry.ListRules()
	if err != nil {
		return err
	}
	r, err := tracer.StartEachRule(ctx, o.baseOptions(), func(p tracer.Program) []string {
		return append(registry.RuleFunctions(p), o.eachRule.functions...)
	})
	if err != nil {
		return classify(err)
	}
	defer r.Close()
	status := 0
	if r.Functions() > 0 {
		if status, err = o.runRules(ctx, std, r); err != nil {
			return err
		}
	}
	e, warnings, err := r.Result()
	if err != nil {
		return err
	}
	after, err := registry.ListRules()
	if err != nil {
		return err
	}
	e.Rerun = len(o.command) > 0
	for _, w := range registry.DescribeRules(e, snap, before, after) {
		warn("each rule: %s", w)
	}
	snap.EachRule = e
	snap.Warnings = append(snap.Warnings, warnings...)
	switch {
	case status != 0:
		warn("each rule: the command ended with status %d when it ran again", status)
	case ctx.Err() != nil:
		warn("each rule: the pass was interrupted")
	}
	if r.Functions() == 0 {
		warn("no rule was timed: no program has a function that is known to look at one rule")
	}
	return r.Close()
}

// runRules runs the pass: the command again, or some seconds.
func (o *recordOptions) runRules(ctx context.Context, std streams, r *tracer.RuleTracer) (status int, err error) {
	ctx, done := context.WithCancel(ctx)
	defer done()
	if len(o.command) == 0 {
		d := cmp.Or(o.eachRule.pass.duration, min(o.duration, longestCrossCheck))
		ctx, done = context.WithTimeout(ctx, d)
		defer done()
		defer showRecording(ctx, std, d)()
		return 0, r.Run(ctx)
	}
	cmd := o.newCommand(ctx)
	cmd.Stderr = std.err
	if err := r.StartCommand(func() error { return ownns.Start(cmd) }); err != nil {
		return 0, fmt.Errorf("run %s again: %w", o.command[0], err)
	}
	ended := make(chan error, 1)
	go func() {
		ended <- cmd.Wait()
		done()
	}()
	err = r.Run(ctx)
	failed := <-ended
	return exitStatus(cmd.ProcessState, failed), err
}

// rulesPath returns where the profile of the rules is: lsmprof.rules.pb.gz beside lsmprof.pb.gz.
func rulesPath(path string) string {
	for _, ext := range []string{".pb.gz", ".gz", ".pb"} {
		if base, ok := strings.CutSuffix(path, ext); ok {
			return base + ".rules" + ext
		}
	}
	return path + ".rules"
}

// writeRules writes the profile of the rules beside the other one, and says how to look at it.
func (o *recordOptions) writeRules(std streams, e *profile.EachRule) error {
	if e == nil || len(e.Rows) == 0 || o.Path == "-" {
		return nil
	}
	path := rulesPath(o.Path)
	out, err := atomicfile.Create(path)
	if err != nil {
		return err
	}
	defer out.Discard()
	if _, err := out.Commit(e.Write); err != nil {
		return err
	}
	if !std.quiet {
		fmt.Fprintf(std.err, "wrote %s\nlook at it: go tool pprof -top -tagroot=rule %s\n", path, path)
	}
	return nil
}
