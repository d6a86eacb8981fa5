package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/lsmprof/lsmprof/internal/kernel"
)

// selectsProcesses reports whether a filter chooses whose calls are measured.
func (s *session) selectsProcesses() bool {
	return len(s.pids)+len(s.mntns) > 0 || s.comm != "" || s.containers.Filters()
}

// filterText returns the filters on calls, as they were given. It is empty if all calls pass.
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
// cannot check them from within another one.
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
