package unixbench

import (
	"slices"
	"time"

	"github.com/lsmprof/lsmprof/internal/unixbench/score"
)

// Test is a test of UnixBench's index or a hook probe, which is a test of this package for hooks that UnixBench never
// reaches.
type Test struct {
	// Test has name, label, unit and baseline. The baseline of a hook probe is 0: it has no index.
	score.Test
	// Hooks are the LSM hooks that one operation reaches.
	Hooks []string
	// Builtin and Real report whether the built-in suite and UnixBench have the test.
	Builtin bool
	Real    bool

	bytes int // of one operation of a file copy
}

// Tests returns UnixBench's index tests in its order, then the hook probes.
func Tests() []Test {
	return append(indexTests(), probes()...)
}

// Find returns the test called name.
func Find(name string) (Test, bool) {
	all := Tests()
	i := slices.IndexFunc(all, func(t Test) bool { return t.Name == name })
	if i < 0 {
		return Test{}, false
	}
	return all[i], true
}

// BuiltinLabel returns the label for scores of the built-in suite.
func (t Test) BuiltinLabel() string { return t.Label + " (built-in)" }

// Score converts ops operations in elapsed to the test's unit. It returns 0 if elapsed is not positive.
func (t Test) Score(ops uint64, elapsed time.Duration) float64 {
	if elapsed <= 0 {
		return 0
	}
	rate := float64(ops) / elapsed.Seconds()
	switch t.Unit {
	case "KBps":
		return rate * float64(t.bytes) / 1024
	case "lpm":
		return rate * 60
	}
	return rate
}

func builtinNames() []string {
	var names []string
	for _, t := range Tests() {
		if t.Builtin {
			names = append(names, t.Name)
		}
	}
	return names
}

// indexTests adds to UnixBench's table what the built-in suite knows about each test.
func indexTests() []Test {
	builtin := builtinTests()
	var out []Test
	for _, known := range score.Tests() {
		t := builtin[known.Name]
		t.Test, t.Real = known, true
		out = append(out, t)
	}
	return out
}

// builtinTests returns the tests of UnixBench's index that the built-in suite has, by name. The comments say what one
// operation is. Dhrystone and Whetstone are missing: they run in user space only.
func builtinTests() map[string]Test {
	permission := []string{"file_permission"}
	exec := []string{
		"bprm_creds_for_exec", "bprm_creds_from_file", "bprm_check_security", "bprm_committing_creds",
		"bprm_committed_creds", "cred_prepare", "file_open", "file_alloc_security", "file_free_security",
		"file_permission", "inode_permission", "inode_getattr", "mmap_file", "mmap_addr", "file_mprotect",
	}
	shell := append(slices.Clone(exec), "task_alloc", "task_free", "file_fcntl", "path_mknod", "path_unlink",
		"inode_create", "inode_unlink")
	fork := []string{"task_alloc", "task_free", "cred_prepare", "cred_free"}
	return map[string]Test{
		// An execve of itself, in one process.
		"execl": {Hooks: exec, Builtin: true},
		// 1024, 256 or 4096 bytes read from one file and written to another.
		"fstime":   {Hooks: permission, Builtin: true, bytes: 1024},
		"fsbuffer": {Hooks: permission, Builtin: true, bytes: 256},
		"fsdisk":   {Hooks: permission, Builtin: true, bytes: 4096},
		// 512 bytes written to a pipe and read from it by one process.
		"pipe": {Hooks: permission, Builtin: true},
		// A number sent to a child through a pipe and back through another.
		"context1": {Hooks: permission, Builtin: true},
		// A fork, the child's exit and the wait for it.
		"spawn": {Hooks: fork, Builtin: true},
		// dup, close, getpid, getuid and umask.
		"syscall": {Builtin: true},
		// A script that runs one copy of another, with nine forks and execs, or eight copies at once.
		"shell1": {Hooks: shell, Builtin: true},
		"shell8": {Hooks: shell, Builtin: true},
	}
}
