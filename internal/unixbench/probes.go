package unixbench

import "github.com/lsmprof/lsmprof/internal/unixbench/score"

// probes returns tests for hooks that UnixBench never reaches, or never alone. They have no baseline and therefore no
// index. The comments say what one operation is.
func probes() []Test {
	probe := func(name, label string, hooks ...string) Test {
		return Test{Test: score.Test{Name: name, Label: label, Unit: "lps"}, Hooks: hooks, Builtin: true}
	}
	return []Test{
		// openat and close of a file.
		probe("openclose", "Open and Close",
			"file_open", "file_alloc_security", "file_free_security", "inode_permission"),
		// newfstatat of a file.
		probe("stat", "Stat", "inode_getattr", "inode_permission"),
		// openat with O_CREAT, close and unlinkat.
		probe("createunlink", "Create and Unlink",
			"path_mknod", "inode_create", "inode_init_security", "file_open", "file_alloc_security",
			"file_free_security", "path_unlink", "inode_unlink", "inode_permission"),
		// One renameat2 of a file.
		probe("rename", "Rename", "path_rename", "inode_rename", "inode_permission"),
		// linkat and unlinkat.
		probe("link", "Link and Unlink",
			"path_link", "inode_link", "path_unlink", "inode_unlink", "inode_permission"),
		// symlinkat and unlinkat.
		probe("symlink", "Symlink and Unlink",
			"path_symlink", "inode_symlink", "inode_init_security", "path_unlink", "inode_unlink",
			"inode_permission"),
		// A UDP socket, made and closed.
		probe("socket", "Socket",
			"socket_create", "socket_post_create", "sk_alloc_security", "sk_free_security",
			"file_alloc_security", "file_free_security"),
		// connect of a UDP socket to 127.0.0.1.
		probe("connect", "Connect", "socket_connect"),
		// A bind mount and its umount2.
		probe("mountumount", "Mount and Umount", "sb_mount", "sb_umount", "capable", "inode_permission"),
		// A child attached to, stopped and detached from.
		probe("ptrace", "Ptrace", "ptrace_access_check"),
		// One check of a capability, in prctl.
		probe("capable", "Capable", "capable", "task_prctl"),
		// clone, execve of a static program, and wait4.
		probe("forkexec", "Fork and Exec",
			"bprm_creds_for_exec", "bprm_creds_from_file", "bprm_check_security", "bprm_committing_creds",
			"bprm_committed_creds", "file_open", "mmap_file", "task_alloc", "task_free", "cred_prepare"),
	}
}
