package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/enforcer/reference"
)

const (
	enforceSchema = "lsmprof/enforce/v1"
	enforceShort  = "Runs the reference enforcer in mount namespaces until Ctrl-C. A line on stdin with new --rules changes them"
)

// enforceOptions are the flags of enforce.
type enforceOptions struct {
	rules                        string
	pids, mntns                  []uint
	file, exec, net, mount, caps []string
	denyPtrace, confineHost      bool
}

func (o *enforceOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&o.rules, "rules", "8", "how many rules to walk that match nothing, `SPEC`: N of each type, or file=N,exec=N,net=N,mount=N,cap=N,ptrace=N")
	f.UintSliceVar(&o.pids, "pid", nil, "confine the mount namespace of the process `PID`; repeatable")
	f.UintSliceVar(&o.mntns, "mntns", nil, "confine the mount namespace with this inode number `INUM`, see ls -Li /proc/PID/ns/mnt; repeatable")
	f.StringArrayVar(&o.file, "deny-file", nil, "deny opening, linking and renaming what the `GLOB` matches: /etc/shadow, /proc/**, **.key, /tmp/*.sh")
	f.StringArrayVar(&o.exec, "deny-exec", nil, "deny executing what the `GLOB` matches, by its path after symbolic links")
	f.StringArrayVar(&o.net, "deny-net", nil, "deny connecting to `ADDR[/BITS][:PORT[-PORT]]`, or sockets of a family: inet6, unix, packet, …")
	f.StringArrayVar(&o.mount, "deny-mount", nil,
		"deny mounting `GLOB[,fstype=NAME][,op=OP+OP]`: the source (umount: the mount point); mount, bind, remount, move, umount")
	f.StringArrayVar(&o.caps, "deny-cap", nil, "deny the capability `CAP_NAME`")
	f.BoolVar(&o.denyPtrace, "deny-ptrace", false, "deny attaching to other processes")
	f.BoolVar(&o.confineHost, "confine-host", false, "allow confining the host's own mount namespace, and so yourself")
}

func enforce(ctx context.Context, std streams, args []string) error {
	var o enforceOptions
	f := newFlags(std, "enforce", "", enforceShort)
	o.flags(f)
	if err := parseNoArgs(f, args); err != nil {
		return err
	}
	policy, err := o.policy()
	if err == nil && len(o.pids)+len(o.mntns) == 0 {
		err = errors.New("which namespace? give --pid or --mntns")
	}
	if err != nil {
		return usageError{fmt.Errorf("enforce: %w", err)}
	}
	targets, err := findTargets(o.pids, o.mntns, o.confineHost)
	if err != nil {
		return fmt.Errorf("enforce: %w", err)
	}
	defer targets.close()
	return classify(runEnforcer(ctx, std, policy, targets))
}

// policy is what the flags ask for.
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

// runEnforcer enforces until ctx ends.
func runEnforcer(ctx context.Context, std streams, policy reference.Policy, targets targets) (err error) {
	e, err := reference.Load()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	// The rules first: nothing runs unconfined once it enforces.
	if err := targets.confine(e, policy); err != nil {
		return err
	}
	if err := e.Attach(); err != nil {
		return err
	}
	if err := writePolicy(std.out, e, policy, targets); err != nil {
		return err
	}
	lines := readLines(ctx, std.in)
	for {
		select {
		case <-ctx.Done():
			return nil
		case line, ok := <-lines:
			if !ok {
				lines = nil // end of stdin is not the end of the enforcer
				continue
			}
			next, err := reload(policy, line)
			if err != nil {
				fmt.Fprintf(std.err, "lsmprof: rules unchanged: %v\n", err)
				continue
			}
			policy = next
			if err := targets.confine(e, policy); err != nil {
				return err
			}
			if err := writePolicy(std.out, e, policy, targets); err != nil {
				return err
			}
		}
	}
}

// reload is the policy with other numbers of rules; what is denied stays.
func reload(p reference.Policy, line string) (reference.Policy, error) {
	fillers, err := reference.ParseRules(line)
	if err != nil {
		return p, err
	}
	p.Fillers = fillers
	return p, p.Check()
}

func readLines(ctx context.Context, r io.Reader) <-chan string {
	lines := make(chan string)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(r); s.Scan(); {
			line := strings.TrimSpace(s.Text())
			if line == "" {
				continue
			}
			select {
			case lines <- line:
			case <-ctx.Done():
				return
			}
		}
	}()
	return lines
}

// enforceReport is a line of stdout. Schema lsmprof/enforce/v1: fields are only ever added.
type enforceReport struct {
	Schema   string              `json:"schema"`
	State    string              `json:"state"`
	MntNS    []uint32            `json:"mntns"`
	Rules    enforcer.Rules      `json:"rules"`
	Programs []reference.Program `json:"programs"`
}

func writePolicy(w io.Writer, e *reference.Enforcer, p reference.Policy, t targets) error {
	programs, err := e.Programs()
	if err != nil {
		return err
	}
	return json.NewEncoder(w).Encode(enforceReport{enforceSchema, "enforcing", t.inodes(), p.Rules(), programs})
}
