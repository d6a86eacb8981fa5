package cli

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/lsmprof/lsmprof/internal/cmdline"
)

func benchCommand() *command {
	return &command{
		Command: cmdline.Command{
			Name: "bench", Group: groupBenchmark,
			Summary: "Measure how much an enforcer slows benchmarks down, and which hooks explain it",
			Text: "Without --scenarios lsmprof runs its built-in reference enforcer with several numbers " +
				"of rules, against a baseline without it. " +
				"Enforcers that are attached already stay attached in every scenario.",
			Examples: []cmdline.Example{
				{What: "See what would run, and for how long", Command: "lsmprof bench --dry-run"},
				{
					What: "Run UnixBench's tests under the reference enforcer with 0, 1, 2, 4 " +
						"and 8 rules",
					Command: "sudo lsmprof bench",
				},
				{
					What:    "Benchmark vArmor",
					Command: "sudo lsmprof bench --scenarios examples/varmor/scenarios.yaml",
				},
				{
					What:    "Continue a run",
					Command: "sudo lsmprof bench --resume lsmprof-bench-20260102-150405",
				},
			},
		},
		setup: func(f *cmdline.Flags) action {
			var o benchOptions
			o.flags(f)
			return func(ctx context.Context, std streams, args []string) error {
				o.invocation = invocation("bench", args)
				std.note(o.Note)
				return o.bench(ctx, std, f)
			}
		},
	}
}

func (o *benchOptions) bench(ctx context.Context, std streams, f *cmdline.Flags) error {
	if err := o.validate(f); err != nil {
		return usageError{fmt.Errorf("bench: %w", err)}
	}
	err := o.run(ctx, std)
	if err == nil || errors.As(err, new(exitError)) {
		return err
	}
	return classify(fmt.Errorf("bench: %w", err))
}

func (o *benchOptions) validate(f *cmdline.Flags) error {
	if err := errors.Join(o.unknown.validate(), checkLSMs(&o.selection)); err != nil {
		return err
	}
	if o.dryRun && o.JSON() {
		return errors.New("--dry-run and --json: a plan is printed as text; run.json of a run has it as JSON")
	}
	if err := o.validateContainer(); err != nil {
		return err
	}
	if len(o.imports) > 0 {
		for _, flag := range []string{
			"rules", "scenarios", "tests", "test", "unixbench", "enforcer",
			"dry-run",
		} {
			if f.Changed(flag) {
				return fmt.Errorf("--import and --%s: nothing is measured", flag)
			}
		}
	}
	if o.resume != "" {
		if o.Path != "" {
			return errors.New("--resume and --output: a run stays in its directory")
		}
		for _, flag := range []string{
			"rules", "scenarios", "tests", "test", "unixbench", "runs", "slice",
			"warmup", "pass", "until-ci", "max-time", "order", "seed", "enforcer", "same",
			"import", "copies", "cpus", "container", "pod", "lsm", "hook", "rules-map",
		} {
			if f.Changed(flag) {
				return fmt.Errorf("--resume and --%s: a run goes on as it was begun", flag)
			}
		}
	}
	o.asBegun = !f.Given("profile")
	if !f.Given("seed") {
		var b [4]byte // short enough to be typed again
		_, _ = rand.Read(b[:])
		o.seed = uint64(binary.NativeEndian.Uint32(b[:]))
	}
	return nil
}

func (o *benchOptions) run(ctx context.Context, std streams) (err error) {
	defer o.unknown.close(&err)
	switch {
	case len(o.imports) > 0:
		return o.importRuns(std)
	case o.resume != "":
		return o.continueRun(ctx, std)
	}
	plan, err := o.plan()
	if err != nil {
		return usageError{err}
	}
	return o.newRun(ctx, std, plan)
}
