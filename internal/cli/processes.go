package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
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

// initPIDNamespace is what /proc/self/ns/pid leads to in the initial pid namespace: PROC_PID_INIT_INO of the kernel.
const initPIDNamespace = "pid:[4026531836]"

// requireProcesses fails if one of --pid is not a process. --pid takes ids of the initial pid namespace, so lsmprof
// cannot tell from within another one.
func (s *session) requireProcesses() error {
	if ns, err := os.Readlink("/proc/self/ns/pid"); err != nil || ns != initPIDNamespace {
		return nil
	}
	for _, pid := range s.pids {
		leader, err := leaderOf(pid)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("no process %d", pid)
		case err == nil && leader != pid:
			return fmt.Errorf("%d is a thread of process %d: give --pid %d", pid, leader, leader)
		}
	}
	return nil
}

// leaderOf returns the id of the process that a thread belongs to.
func leaderOf(tid uint) (pid uint, err error) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", tid))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), "Tgid:"); ok {
			n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 32)
			return uint(n), err
		}
	}
	return 0, errors.New("no Tgid")
}
