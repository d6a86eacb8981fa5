package unixbench

import (
	"slices"
	"time"
)

// Test is one of UnixBench's index tests or one of our hook probes.
type Test struct {
	Name  string
	Label string
	Unit  string
	// Baseline is the score of a SPARCstation 20-61, which is index 10; 0 for the probes.
	Baseline float64
	// Passes and Seconds are what UnixBench runs by default: 10 short or 3 long passes.
	Passes  int
	Seconds int
	// Operation says what one operation is.
	Operation string
	// Syscalls and Hooks are what one operation reaches.
	Syscalls []string
	Hooks    []string
	// Builtin: our suite has it. Real: UnixBench has it.
	Builtin bool
	Real    bool

	// bytes of one operation of a file copy.
	bytes int
}

// Tests returns UnixBench's index tests in its order, then the hook probes.
func Tests() []Test {
	return append(indexTests(), probes()...)
}

// Find returns the test of that name.
func Find(name string) (Test, bool) {
	all := Tests()
	i := slices.IndexFunc(all, func(t Test) bool { return t.Name == name })
	if i < 0 {
		return Test{}, false
	}
	return all[i], true
}

// BuiltinLabel is the label to show a score of the built-in suite under.
func (t Test) BuiltinLabel() string { return t.Label + " (built-in)" }

// Score converts operations to the test's unit.
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

func indexTests() []Test {
	copyHooks := []string{"file_permission"}
	execHooks := []string{
		"bprm_creds_for_exec", "bprm_creds_from_file", "bprm_check_security", "bprm_committing_creds", "bprm_committed_creds", "cred_prepare",
		"file_open", "file_alloc_security", "file_free_security", "file_permission", "inode_permission", "inode_getattr", "mmap_file", "mmap_addr", "file_mprotect",
	}
	shellHooks := append(slices.Clone(execHooks), "task_alloc", "task_free", "file_fcntl", "path_mknod", "path_unlink", "inode_create", "inode_unlink")
	execCalls := []string{"execve", "openat", "mmap", "mprotect", "read", "pread64", "newfstatat", "close", "access", "brk", "munmap"}
	shellCalls := append(slices.Clone(execCalls), "clone", "wait4", "write", "unlinkat", "pipe2", "dup2", "exit_group")
	return []Test{
		{Name: "dhry2reg", Label: "Dhrystone 2 using register variables", Unit: "lps", Baseline: 116700, Passes: 10, Seconds: 10, Operation: "one Dhrystone loop, in user space only", Real: true},
		{Name: "whetstone-double", Label: "Double-Precision Whetstone", Unit: "MWIPS", Baseline: 55, Passes: 10, Seconds: 10, Operation: "a million Whetstone instructions, in user space only", Real: true},
		{Name: "execl", Label: "Execl Throughput", Unit: "lps", Baseline: 43, Passes: 3, Seconds: 30, Operation: "one execve of itself, in one process", Syscalls: execCalls, Hooks: execHooks, Builtin: true, Real: true},
		{Name: "fstime", Label: "File Copy 1024 bufsize 2000 maxblocks", Unit: "KBps", Baseline: 3960, Passes: 3, Seconds: 30, Operation: "1024 bytes read from one file and written to another", Syscalls: []string{"read", "write"}, Hooks: copyHooks, Builtin: true, Real: true, bytes: 1024},
		{Name: "fsbuffer", Label: "File Copy 256 bufsize 500 maxblocks", Unit: "KBps", Baseline: 1655, Passes: 3, Seconds: 30, Operation: "256 bytes read from one file and written to another", Syscalls: []string{"read", "write"}, Hooks: copyHooks, Builtin: true, Real: true, bytes: 256},
		{Name: "fsdisk", Label: "File Copy 4096 bufsize 8000 maxblocks", Unit: "KBps", Baseline: 5800, Passes: 3, Seconds: 30, Operation: "4096 bytes read from one file and written to another", Syscalls: []string{"read", "write"}, Hooks: copyHooks, Builtin: true, Real: true, bytes: 4096},
		{Name: "pipe", Label: "Pipe Throughput", Unit: "lps", Baseline: 12440, Passes: 10, Seconds: 10, Operation: "512 bytes written to a pipe and read from it by one process", Syscalls: []string{"write", "read"}, Hooks: []string{"file_permission"}, Builtin: true, Real: true},
		{Name: "context1", Label: "Pipe-based Context Switching", Unit: "lps", Baseline: 4000, Passes: 10, Seconds: 10, Operation: "a number sent to a child through a pipe and back through another", Syscalls: []string{"write", "read"}, Hooks: []string{"file_permission"}, Builtin: true, Real: true},
		{Name: "spawn", Label: "Process Creation", Unit: "lps", Baseline: 126, Passes: 3, Seconds: 30, Operation: "a fork, the child's exit and the wait for it", Syscalls: []string{"clone", "exit_group", "wait4"}, Hooks: []string{"task_alloc", "task_free", "cred_prepare", "cred_free"}, Builtin: true, Real: true},
		{Name: "syscall", Label: "System Call Overhead", Unit: "lps", Baseline: 15000, Passes: 10, Seconds: 10, Operation: "dup, close, getpid, getuid and umask", Syscalls: []string{"dup", "close", "getpid", "getuid", "umask"}, Builtin: true, Real: true},
		{Name: "shell1", Label: "Shell Scripts (1 concurrent)", Unit: "lpm", Baseline: 42.4, Passes: 3, Seconds: 60, Operation: "a script that runs one copy of another: nine forks and execs", Syscalls: shellCalls, Hooks: shellHooks, Builtin: true, Real: true},
		{Name: "shell8", Label: "Shell Scripts (8 concurrent)", Unit: "lpm", Baseline: 6, Passes: 3, Seconds: 60, Operation: "a script that runs eight copies of another at once", Syscalls: shellCalls, Hooks: shellHooks, Builtin: true, Real: true},
	}
}
