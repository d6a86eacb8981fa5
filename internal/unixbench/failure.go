package unixbench

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"syscall"
)

var errnoText = regexp.MustCompile(`: errno (\d+)$`)

// failure returns why a test of the suite ended: its own message, with the name of the errno.
func failure(test, stderr string, err error) error {
	line, _, _ := strings.Cut(strings.TrimSpace(stderr), "\n")
	m := errnoText.FindStringSubmatch(line)
	if m == nil {
		if line == "" {
			line = "suite: " + test
		}
		return fmt.Errorf("built-in test: %s: %w", line, err)
	}
	n, _ := strconv.Atoi(m[1])
	errno := syscall.Errno(n)
	return fmt.Errorf("built-in test: %s: %w%s", line, errno, remedy(test, errno))
}

func remedy(test string, errno syscall.Errno) string {
	switch errno {
	case syscall.EACCES, syscall.EPERM:
		if test == "mountumount" || test == "ptrace" || test == "capable" {
			return "; a rule denies it, or it needs root: omit the test or change the rule"
		}
		return "; a rule of this scenario denies what the test does: omit the test or change the rule"
	case syscall.ENOENT:
		if test == "shell1" || test == "shell8" {
			return "; the shell tests need the system's sh, sort, od, grep, tee, wc and rm: omit them here"
		}
	case syscall.ENOSPC:
		return "; choose another work directory"
	}
	return ""
}
