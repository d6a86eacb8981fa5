package tracer

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/bpf"
	"github.com/lsmprof/lsmprof/internal/lsm"
	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/profile"
)

// commandTree keeps the process tree of a command in the filter's table of process ids; see bpf/command.bpf.c.
type commandTree struct {
	// Not bpf.CommandObjects: the library would map the variables, and the map would stay in the kernel until the
	// garbage collector unmaps them.
	objs struct {
		bpf.CommandPrograms
		Variables *ebpf.Map `ebpf:".bss"`
	}
	links      []link.Link
	unfollowed uint64 // processes of the tree that are not measured, when it was last read
}

func newCommandTree(c *control) (_ *commandTree, err error) {
	self, err := ownID()
	if err != nil {
		return nil, err
	}
	spec, err := bpf.LoadCommand()
	if err != nil {
		return nil, fmt.Errorf("read the object that follows a command: %w", err)
	}
	for name, value := range map[string]any{
		bpf.CommandVarSelf: self, bpf.CommandVarExecve: int64(unix.SYS_EXECVE),
	} {
		if err := spec.Variables[name].Set(value); err != nil {
			return nil, fmt.Errorf("set %s: %w", name, err)
		}
	}
	t := &commandTree{}
	err = spec.LoadAndAssign(&t.objs, &ebpf.CollectionOptions{
		MapReplacements: map[string]*ebpf.Map{controlMap: c.m}, Cache: kernelTypes,
	})
	if err != nil {
		return nil, fmt.Errorf("load the programs that follow a command: %w", lsm.ExplainLoad(err))
	}
	for _, p := range []*ebpf.Program{t.objs.CommandFree, t.objs.CommandFork} {
		l, err := attachTracepoint(p)
		if err != nil {
			return nil, errors.Join(err, t.Close())
		}
		t.links = append(t.links, l)
	}
	return t, nil
}

func attachTracepoint(p *ebpf.Program) (link.Link, error) {
	l, err := link.AttachTracing(link.TracingOptions{Program: p, AttachType: ebpf.AttachTraceRawTp})
	if err != nil {
		return nil, fmt.Errorf("attach %s: %w", p, lsm.ExplainLoad(err))
	}
	return l, nil
}

// start calls start, and lets the calls of the command that it starts pass the filter from its first execve on.
func (t *commandTree) start(start func() error) error {
	execve, err := attachTracepoint(t.objs.CommandExecve)
	if err != nil {
		return err
	}
	return errors.Join(start(), execve.Close())
}

// warnings warns of processes of the tree that are not measured. On nil and after Close it returns what was known.
func (t *commandTree) warnings() []profile.Warning {
	if t == nil {
		return nil
	}
	_ = t.objs.Variables.Lookup(uint32(0), &t.unfollowed) // fails after Close
	if t.unfollowed == 0 {
		return nil
	}
	return []profile.Warning{{
		Text: text.Thousands(t.unfollowed) + " processes of the command are not measured: too many ran at once",
	}}
}

func (t *commandTree) Close() error {
	var errs []error
	for _, l := range t.links {
		errs = append(errs, l.Close())
	}
	errs = append(errs, t.objs.CommandPrograms.Close())
	if t.objs.Variables != nil {
		errs = append(errs, t.objs.Variables.Close())
	}
	return errors.Join(errs...)
}

var errNoCommand = errors.New("start a command: the function that starts it is nil")

// StartCommand calls start, which must start one command and return after its execve, as [os/exec.Cmd.Start] does. With
// [Filter].Command, only the process tree of the command is measured: the command from that execve on, and every
// process that one of the tree forks, even if its parent ends.
func (t *Tracer) StartCommand(start func() error) error {
	if err := t.set.check("start a command"); err != nil {
		return err
	}
	if start == nil {
		return errNoCommand
	}
	if t.set.loader.command == nil {
		return start()
	}
	return t.set.loader.command.start(start)
}
