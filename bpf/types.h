/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Every struct that BPF and Go share. Fixed-width members, explicit padding: bpf2go mirrors them, bpf/layout_test.go compares. */
#ifndef LSMPROF_TYPES_H
#define LSMPROF_TYPES_H

#include "kernel.h"

/* Log-linear: four buckets to an octave, the last one open. profile.Buckets is the same number. */
#define BUCKETS 116

/* Syscall of a cell: kind in the upper three bits, number in the lower thirteen. */
#define SYSCALL_KIND_SHIFT 13
#define SYSCALL_NR_MASK 0x1fff

enum syscall_kind {
	SYSCALL_NATIVE,
	SYSCALL_COMPAT, /* 32-bit: ia32 on amd64, arm on arm64 */
	SYSCALL_X32,
	SYSCALL_NONE, /* the number is an enum no_syscall */
};

enum no_syscall {
	NO_SYSCALL_KTHREAD,
	NO_SYSCALL_IO_URING,
	NO_SYSCALL_IRQ,
	NO_SYSCALL_EXCEPTION,
};

/* What the probes of a recording do. */
enum mode {
	MODE_PREEMPTIBLE = 2, /* the kernel preempts kernel code */
	MODE_MNTNS = 4, /* only the mount namespaces in the table, and so on */
	MODE_PID = 8,
	MODE_COMM = 16,
	MODE_FILTERS = MODE_MNTNS | MODE_PID | MODE_COMM,
	MODE_SAMPLE = 32, /* one of sample_of invocations, at random */
};

/* Tag of a cell: syscall in the upper half, mount namespace in the lower. 0: the cell is free. */
/* The first cell of every CPU takes what found no cell of its own. */
#define CELL_OTHER 1

/* What one program cost one workload in one syscall on one CPU. Only that program's exit probe writes it, and it does not
 * recur on a CPU: no atomics. (Before ca06f55b9002, 5.12, an interrupt may, and a count be lost.) */
struct cell {
	__u64 tag;
	__u64 sum; /* of the readings, ns */
	__u32 preempted; /* invocations without a reading */
	__u32 denials;
	__u8 comm[16]; /* of the first task */
	__u64 _pad;
	__u32 readings[BUCKETS]; /* their sum is the number of readings */
};

#define LEFT_OUT 0 /* by a filter or by sampling */

/* Where an invocation leaves its start for the exit probe. */
struct slot {
	__u64 start; /* ns, or LEFT_OUT */
	__u64 frame; /* the invocation's trampoline frame; 0: none under way */
	__u64 switches; /* involuntary context switches of the task at the start, with MODE_PREEMPTIBLE */
	__u64 scratch; /* makes a number of a pointer */
	/* Of the CPU's own slot, set before the load: its cells are first, first + 1, … first + mask. */
	__u32 first, mask;
	__u32 skip; /* invocations to leave out before the next sample */
	__u32 random;
	__u64 _pad[2]; /* a cache line to a CPU */
};

/* One invocation, as it goes through the perf ring. Behind it lie so many bytes of what the call was about, of return addresses in
 * the kernel and of return addresses in the program, the innermost first. */
struct event {
	__u64 start; /* CLOCK_MONOTONIC, ns */
	__u64 reading; /* ns; NO_READING: another task ran in between, or the entry was not seen */
	__u32 probe; /* number of the pair of probes */
	__u32 mntns;
	__u32 tgid, pid;
	__s32 ret;
	__u16 syscall;
	__u16 about, kernel_stack, user_stack;
	__u32 _pad;
	__u8 comm[16];
};

#define NO_READING (~0ULL)

/* What an event says about its call. */
enum subject {
	ABOUT_NOTHING,
	ABOUT_FILE, /* struct file: its names, from the last to the root, each with a NUL; an empty one if none is left out */
	ABOUT_EXEC, /* struct linux_binprm: likewise */
	ABOUT_PATH, /* struct path: likewise */
	ABOUT_ENTRY, /* struct path of a directory, and the dentry in it: likewise */
	ABOUT_DENTRY, /* struct dentry: likewise, as far as its file system goes */
	ABOUT_MOUNT, /* struct vfsmount: where it is mounted, likewise */
	ABOUT_ADDRESS, /* struct sockaddr and its length: its bytes */
	ABOUT_TASK, /* struct task_struct: process id, command */
	ABOUT_NUMBERS, /* three arguments, 8 bytes each */
};

/* What became of the events on one CPU. */
struct tally {
	__u64 sent;
	__u64 lost; /* found no room in the ring */
	__u64 _pad[6]; /* a cache line to a CPU */
};

/* A syscall, laid out as that of a cell, of the tasks in a mount namespace. */
struct syscall_key {
	__u32 mntns;
	__u32 syscall;
};

/* What its calls took, from one end to the other: those that kept their CPU, or gave it away, and those that others took it from. */
struct syscall_time {
	__u64 calls, ns;
	__u64 preempted, preempted_ns;
};

/* The call that a task is in. */
struct call {
	__u64 start; /* ns; 0: in none */
	__u64 switches; /* involuntary context switches of the task at the start */
	struct syscall_key of;
};

/* What the kernel says of a program that no bpf_prog_info of Linux 5.10 says. Key: our descriptor of the program. */
struct program_facts {
	__u8 hook[64]; /* bpf_lsm_file_open */
	__u32 sleepable;
	__u32 found;
};

/* The reference enforcer: what its maps hold. A value of 0 in a field of a rule matches anything. */
#define REF_RULES_MAX 64
#define REF_PATTERN_WORDS 8
#define REF_PATTERN_LEN (8 * REF_PATTERN_WORDS)

enum ref_action { REF_ALLOW = 0, REF_DENY = 1 };

enum ref_pattern_flags {
	REF_EXACT = 1, /* the prefix is the whole path */
	REF_ONE_LEVEL = 2, /* no slash between prefix and suffix */
};

/* The masks say which bytes count: the compare has then no branches, of which the verifier would follow each. */
struct ref_pattern {
	enum ref_pattern_flags flags;
	__u16 prefix_len;
	__u16 suffix_len;
	__u64 prefix[REF_PATTERN_WORDS];
	__u64 prefix_mask[REF_PATTERN_WORDS];
	__u64 suffix[REF_PATTERN_WORDS]; /* right-aligned */
	__u64 suffix_mask[REF_PATTERN_WORDS];
};

struct ref_path_rule { /* of file and exec rules */
	enum ref_action action;
	__u32 _pad;
	struct ref_pattern pattern;
};

enum ref_net_hook { REF_CONNECT = 1, REF_CREATE = 2 };

struct ref_net_rule {
	enum ref_action action;
	enum ref_net_hook hook;
	__u32 family;
	__u16 port, end_port; /* host order, both inclusive */
	__u32 address[4]; /* network order, masked; IPv4 in the first */
	__u32 mask[4];
};

enum ref_mount_op {
	REF_MOUNT = 1,
	REF_BIND = 2,
	REF_REMOUNT = 4,
	REF_MOVE = 8,
	REF_UMOUNT = 16,
};

struct ref_mount_rule {
	enum ref_action action;
	enum ref_mount_op ops;
	struct ref_pattern pattern;
	__u8 fstype[16];
};

struct ref_cap_rules {
	__u32 serial; /* of the update: a change and back is two updates */
	__u32 _pad;
	__u64 denied; /* one bit per capability, one rule per bit */
};

enum ref_ptrace_access { REF_PTRACE_READ = 1, REF_PTRACE_ATTACH = 2 };

struct ref_ptrace_rule {
	__u32 serial;
	enum ref_ptrace_access denied;
};

#endif
