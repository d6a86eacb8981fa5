package unixbench

import "github.com/lsmprof/lsmprof/internal/unixbench/score"

// probes returns tests for hooks that UnixBench never reaches, or never alone. They have no baseline and therefore no
// index.
func probes() []Test {
	probe := func(name, label, operation string, syscalls, hooks []string) Test {
		return Test{
			Test: score.Test{Name: name, Label: label, Unit: "lps"}, Passes: 10, Seconds: 10,
			Operation: operation, Syscalls: syscalls, Hooks: hooks, Builtin: true,
		}
	}
	list := func(s ...string) []string { return s }
	return []Test{
		probe("openclose", "Open and Close", "openat and close of a file", list("openat", "close"),
			list("file_open", "file_alloc_security", "file_free_security", "inode_permission")),
		probe("stat", "Stat", "stat of a file", list("newfstatat"), list("inode_getattr", "inode_permission")),
		probe("createunlink", "Create and Unlink", "creation and removal of a file", list("openat", "close",
			"unlinkat"),
			list("path_mknod", "inode_create", "inode_init_security", "file_open", "file_alloc_security",
				"file_free_security", "path_unlink", "inode_unlink", "inode_permission")),
		probe("rename", "Rename", "one rename of a file", list("renameat2"), list("path_rename", "inode_rename",
			"inode_permission")),
		probe("link", "Link and Unlink", "a hard link made and removed", list("linkat", "unlinkat"),
			list("path_link", "inode_link", "path_unlink", "inode_unlink", "inode_permission")),
		probe("symlink", "Symlink and Unlink", "a symbolic link made and removed",
			list("symlinkat", "unlinkat"),
			list("path_symlink", "inode_symlink", "inode_init_security", "path_unlink", "inode_unlink",
				"inode_permission")),
		probe("socket", "Socket", "a UDP socket made and closed", list("socket", "close"),
			list("socket_create", "socket_post_create", "sk_alloc_security", "sk_free_security",
				"file_alloc_security", "file_free_security")),
		probe("connect", "Connect", "a UDP socket connected to 127.0.0.1", list("connect"),
			list("socket_connect")),
		probe("mountumount", "Mount and Umount", "a bind mount and its umount", list("mount", "umount2"),
			list("sb_mount", "sb_umount", "capable", "inode_permission")),
		probe("ptrace", "Ptrace", "a child attached to, stopped and detached from", list("ptrace", "wait4"),
			list("ptrace_access_check")),
		probe("capable", "Capable", "one check of a capability", list("prctl"), list("capable", "task_prctl")),
		probe("forkexec", "Fork and Exec", "fork, execve of a static program, wait", list("clone", "execve",
			"exit_group", "wait4"),
			list("bprm_creds_for_exec", "bprm_creds_from_file", "bprm_check_security",
				"bprm_committing_creds", "bprm_committed_creds", "file_open", "mmap_file", "task_alloc",
				"task_free", "cred_prepare")),
	}
}
