package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/lsmprof/lsmprof/internal/cmdline"
	"github.com/lsmprof/lsmprof/internal/enforcer/reference"
)

// enforceOptions are the flags of enforce.
type enforceOptions struct {
	rules                        string
	pids, mntns                  []uint
	file, exec, net, mount, caps []string
	denyPtrace, confineHost      bool
	cmdline.Destination
}

func (o *enforceOptions) flags(f *cmdline.Flags) {
	f.Group("Whom to confine")
	f.Var(cmdline.IDs(&o.pids), "pid", "Confine the mount namespaces of these processes.")
	f.Var(cmdline.IDs(&o.mntns), "mntns",
		"Confine the mount namespaces with these inode numbers: see ls -Li /proc/PID/ns/mnt.")
	f.NoEnv("mntns") // bench passes LSMPROF_MNTNS to the commands of a scenario
	f.BoolVar(&o.confineHost, "confine-host", false,
		"Allow confining the host's own mount namespace, and with it this shell.")
	f.Group("Rules")
	f.StringVar(&o.rules, "rules", "8", "Walk `RULES` that match nothing: N for each type, or "+
		"file=N,exec=N,net=N,mount=N,cap=N,ptrace=N.")
	f.StringArrayVar(&o.file, "deny-file", nil,
		"Deny opening, linking and renaming files that match `GLOB`: /etc/shadow, /proc/**, **.key, /tmp/*.sh.")
	f.StringArrayVar(&o.exec, "deny-exec", nil, "Deny executing files that match `GLOB`, after symbolic links.")
	f.StringArrayVar(&o.net, "deny-net", nil,
		"Deny connecting to `ADDR[/BITS][:PORT[-PORT]]`, or sockets of a family: inet6, unix, packet, …")
	f.StringArrayVar(&o.mount, "deny-mount", nil,
		"Deny mounting `GLOB[,fstype=NAME][,op=OP+OP]`. GLOB is the source, or for umount the mount "+
			"point. OP is mount, bind, remount, move or umount.")
	f.StringArrayVar(&o.caps, "deny-cap", nil, "Deny the capability `CAP_NAME`.")
	f.BoolVar(&o.denyPtrace, "deny-ptrace", false, "Deny attaching to other processes.")
	f.Group(cmdline.Output)
	o.FormatFlags(f, "text", "json")
}

func enforceCommand() *command {
	return &command{
		Command: cmdline.Command{
			Name: "enforce", Group: groupRun,
			Summary: "Run the reference enforcer on some processes until Ctrl-C",
			Text: "It confines whole mount namespaces, such as containers. A line on stdin, such as " +
				"file=16, replaces the value of --rules. Each --deny flag may be repeated.",
			Examples: []cmdline.Example{
				{
					What:    "Walk 8 rules of each type in the container of a process",
					Command: "sudo lsmprof enforce --pid 1234",
				},
				{What: "Deny something", Command: "sudo lsmprof enforce --pid 1234 --deny-file " +
					"/etc/shadow --deny-net 169.254.169.254"},
				{
					What:    "Print what is in force as JSON",
					Command: "sudo lsmprof enforce --pid 1234 --rules file=64 --json",
				},
			},
		},
		setup: func(f *cmdline.Flags) action {
			var o enforceOptions
			o.flags(f)
			return func(ctx context.Context, std streams, _ []string) error { return o.run(ctx, std) }
		},
	}
}

func (o *enforceOptions) run(ctx context.Context, std streams) error {
	policy, err := o.policy()
	if err == nil && len(o.pids)+len(o.mntns) == 0 {
		err = errors.New("give --pid or --mntns to say which mount namespace to confine")
	}
	if err != nil {
		return usageError{fmt.Errorf("enforce: %w", err)}
	}
	targets, err := reference.FindTargets(o.pids, o.mntns, o.confineHost)
	if errors.As(err, new(reference.HostNamespaceError)) {
		return usageError{fmt.Errorf("enforce: %w; choose a process in a container, or add --confine-host",
			err)}
	}
	if err != nil {
		return fmt.Errorf("enforce: %w", err)
	}
	defer targets.Close()
	return classify(reference.Run(ctx, policy, targets, std.in,
		func(e *reference.Enforcer, p reference.Policy) error {
			if o.JSON() {
				return e.WriteStatus(std.out, p, targets)
			}
			return reference.WriteStatusText(std.out, p, targets)
		},
		func(err error) { fmt.Fprintf(std.err, "lsmprof: the rules stay as they are: %v\n", err) }))
}

// policy returns the policy that the flags describe.
func (o *enforceOptions) policy() (p reference.Policy, err error) {
	if p.Fillers, err = reference.ParseRules(o.rules); err != nil {
		return p, fmt.Errorf("--rules: %w", err)
	}
	p.DenyPtrace = o.denyPtrace
	if err := errors.Join(
		parseEach("--deny-file", o.file, reference.DenyPath, &p.File),
		parseEach("--deny-exec", o.exec, reference.DenyPath, &p.Exec),
		parseEach("--deny-net", o.net, reference.DenyNet, &p.Net),
		parseEach("--deny-mount", o.mount, reference.DenyMount, &p.Mount),
		parseEach("--deny-cap", o.caps, reference.ParseCapability, &p.DenyCaps),
	); err != nil {
		return p, err
	}
	return p, p.Check()
}

// parseEach parses the values of a repeatable flag and appends them to out.
func parseEach[T any](flag string, values []string, parse func(string) (T, error), out *[]T) error {
	for _, v := range values {
		rule, err := parse(v)
		if err != nil {
			return fmt.Errorf("%s: %w", flag, err)
		}
		*out = append(*out, rule)
	}
	return nil
}
