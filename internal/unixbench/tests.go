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
	// Passes and Seconds are UnixBench's defaults: 10 short passes or 3 long ones.
	Passes  int
	Seconds int
	// Operation describes one operation.
	Operation string
	// Syscalls and Hooks are those that one operation reaches.
	Syscalls []string
	Hooks    []string
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

// indexTests adds to UnixBench's table what one operation of each test does.
func indexTests() []Test {
	operations := operations()
	var out []Test
	for _, known := range score.Tests() {
		t := operations[known.Name]
		t.Test, t.Real = known, true
		out = append(out, t)
	}
	return out
}

func operations() map[string]Test {
	copyCalls, copyHooks := []string{"read", "write"}, []string{"file_permission"}
	execCalls := []string{
		"execve", "openat", "mmap", "mprotect", "read", "pread64", "newfstatat", "close", "access", "brk",
		"munmap",
	}
	execHooks := []string{
		"bprm_creds_for_exec", "bprm_creds_from_file", "bprm_check_security", "bprm_committing_creds",
		"bprm_committed_creds", "cred_prepare", "file_open", "file_alloc_security", "file_free_security",
		"file_permission", "inode_permission", "inode_getattr", "mmap_file", "mmap_addr", "file_mprotect",
	}
	shellCalls := append(slices.Clone(execCalls), "clone", "wait4", "write", "unlinkat", "pipe2", "dup2",
		"exit_group")
	shellHooks := append(slices.Clone(execHooks), "task_alloc", "task_free", "file_fcntl", "path_mknod",
		"path_unlink",
		"inode_create", "inode_unlink")
	return map[string]Test{
		"dhry2reg": {Passes: 10, Seconds: 10, Operation: "one Dhrystone loop, in user space only"},
		"whetstone-double": {
			Passes: 10, Seconds: 10,
			Operation: "a million Whetstone instructions, in user space only",
		},
		"execl": {
			Passes: 3, Seconds: 30, Operation: "one execve of itself, in one process",
			Syscalls: execCalls, Hooks: execHooks, Builtin: true,
		},
		"fstime": {
			Passes: 3, Seconds: 30, Operation: "1024 bytes read from one file and written to another",
			Syscalls: copyCalls, Hooks: copyHooks, Builtin: true, bytes: 1024,
		},
		"fsbuffer": {
			Passes: 3, Seconds: 30, Operation: "256 bytes read from one file and written to another",
			Syscalls: copyCalls, Hooks: copyHooks, Builtin: true, bytes: 256,
		},
		"fsdisk": {
			Passes: 3, Seconds: 30, Operation: "4096 bytes read from one file and written to another",
			Syscalls: copyCalls, Hooks: copyHooks, Builtin: true, bytes: 4096,
		},
		"pipe": {
			Passes: 10, Seconds: 10, Operation: "512 bytes written to a pipe and read from it by one " +
				"process",
			Syscalls: []string{"write", "read"}, Hooks: []string{"file_permission"}, Builtin: true,
		},
		"context1": {
			Passes: 10, Seconds: 10, Operation: "a number sent to a child through a pipe and back " +
				"through another",
			Syscalls: []string{"write", "read"}, Hooks: []string{"file_permission"}, Builtin: true,
		},
		"spawn": {
			Passes: 3, Seconds: 30, Operation: "a fork, the child's exit and the wait for it",
			Syscalls: []string{"clone", "exit_group", "wait4"},
			Hooks:    []string{"task_alloc", "task_free", "cred_prepare", "cred_free"}, Builtin: true,
		},
		"syscall": {
			Passes: 10, Seconds: 10, Operation: "dup, close, getpid, getuid and umask",
			Syscalls: []string{"dup", "close", "getpid", "getuid", "umask"}, Builtin: true,
		},
		"shell1": {
			Passes: 3, Seconds: 60, Operation: "a script that runs one copy of another: nine forks and " +
				"execs",
			Syscalls: shellCalls, Hooks: shellHooks, Builtin: true,
		},
		"shell8": {
			Passes: 3, Seconds: 60, Operation: "a script that runs eight copies of another at once",
			Syscalls: shellCalls, Hooks: shellHooks, Builtin: true,
		},
	}
}
