package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/lsmprof/lsmprof/internal/census"
	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/internal/terminal"
	"github.com/lsmprof/lsmprof/tracer"
)

// selectsProcesses reports whether a filter chooses whose calls are measured.
func (s *session) selectsProcesses() bool {
	return len(s.pids)+len(s.mntns) > 0 || s.comm != "" || s.containers.Filters()
}

// filterText spells out the filters on calls, as they were given. It is empty if all calls pass.
func (s *session) filterText() string {
	var given []string
	add := func(flag string, values ...string) {
		if len(values) > 0 {
			given = append(given, flag+" "+strings.Join(values, ","))
		}
	}
	numbers := func(values []uint) (words []string) {
		for _, v := range values {
			words = append(words, strconv.FormatUint(uint64(v), 10))
		}
		return words
	}
	add("--pid", numbers(s.pids)...)
	if s.comm != "" {
		add("--comm", s.comm)
	}
	add("--mntns", numbers(s.mntns)...)
	add("--namespace", s.containers.Namespaces...)
	add("--pod", s.containers.Pods...)
	add("--container", s.containers.Containers...)
	return strings.Join(given, " ")
}

// requireProcesses fails if one of --pid is not a process. --pid takes ids of the initial pid namespace, so lsmprof
// cannot tell from within another one.
func (s *session) requireProcesses() error {
	if !kernel.InInitialPIDNamespace() {
		return nil
	}
	for _, pid := range s.pids {
		leader, err := kernel.ThreadLeader(pid)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("no process %d", pid)
		case err == nil && leader != pid:
			return fmt.Errorf("%d is a thread of process %d: give --pid %d", pid, leader, leader)
		}
	}
	return nil
}

// nothingPassed returns the error about filters that no call passed, with what there is without them. It looks after
// the measurement, because counting dropped calls would make every one of them dearer.
func (s *session) nothingPassed(ctx context.Context, std streams, name, filters string) error {
	c, err := s.takeCensus(ctx, std)
	if err != nil {
		return fmt.Errorf("%s: no call passed %s; what else there is cannot be seen: %w", name, filters, err)
	}
	return fmt.Errorf("%s: no call passed %s; %s", name, filters, c)
}

// takeCensus counts the calls of the selected programs, whoever makes them. Ctrl-C ends lsmprof meanwhile.
func (s *session) takeCensus(ctx context.Context, std streams) (census.Census, error) {
	p := terminal.NewProgress(std.err, std.quiet)
	defer p.End()
	p.Show(-1, 0, "no call passed the filter; looking for a second at what there is")
	opts := s.baseOptions()
	return census.Take(context.WithoutCancel(ctx), tracer.TraceOptions{
		Select: opts.Select, Enforcers: opts.Enforcers, Namer: opts.Namer, Memory: opts.Memory,
		Logger: opts.Logger,
	}, s.censusName)
}

// censusName returns what the filter selects calls by: a command, a process or a workload.
func (s *session) censusName(e *tracer.Event) string {
	switch {
	case s.comm != "":
		return e.Comm
	case len(s.pids) > 0:
		return fmt.Sprintf("%s (pid %d)", e.Comm, e.PID)
	}
	return e.Workload.Name()
}
