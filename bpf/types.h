/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Every struct and constant that the BPF programs share with Go. Members have fixed widths and explicit padding:
 * bpf2go mirrors them, and layout_test.go compares the mirrors with the objects. */
#ifndef LSMPROF_TYPES_H
#define LSMPROF_TYPES_H

#include "kernel.h"

/* Buckets of a histogram of readings. profile/histogram.go says which; user space sets the tables. */
#define BUCKETS 54

/* A syscall is 16 bits: its kind in the upper three, its number in the lower thirteen. */
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

/* What the probes of a recording do besides counting: bits of mode_of_all. */
enum mode {
	MODE_PREEMPTIBLE = 2, /* detect context switches: the kernel preempts kernel code */
	MODE_MNTNS = 4, /* skip calls from mount namespaces that are not in mntns_allowed */
	MODE_PID = 8, /* skip calls of processes that are not in pids_allowed */
	MODE_COMM = 16, /* skip calls of commands other than comm_allowed */
	MODE_FILTERS = MODE_MNTNS | MODE_PID | MODE_COMM,
	MODE_SAMPLE = 32, /* measure one of sample_of calls, at random */
	MODE_FUNCTION = 64, /* the target is a function of the kernel: not every negative return value denies */
};

/* What one program cost one workload in one syscall. It lies in the front of a CPU, or in the part that all CPUs
 * share; see counters.h. Its size divides a page.
 *
 * Only the program's exit probe writes to a front, and the kernel does not let it recur on a CPU, so that no atomics
 * are needed there. (Before ca06f55b9002, Linux 5.12, it may recur in an interrupt, and an increment may be lost.) */
struct counter {
	__u64 tag; /* syscall in the upper half, mount namespace in the lower; 0: free; or an enum special_counter */
	__u64 sum; /* of the readings, ns */
	__u32 preempted; /* calls without a reading */
	__u32 denials;
	__u8 comm[16]; /* of the task that claimed the counter */
	__u32 readings[BUCKETS]; /* they add up to the number of readings */
};

/* Tags that are no key. The first two counters of every front have the first two. */
enum special_counter {
	/* Calls that found no free counter are charged to it. Its comm is a number: how many counters of the front
	 * were claimed. */
	COUNTER_OTHER = 1,
	/* The exit probe writes to this one after a shared counter was charged. Nobody reads it. */
	COUNTER_SINK = 2,
	/* User space is taking the counter back: no call finds it, and none may claim it yet. */
	COUNTER_CLOSING = 3,
};

/* Stand-ins for two numbers that user space knows only when it loads the probes. It patches the instructions that
 * hold them, see README.md. No other instruction of probe.bpf.c may hold either number. */
enum patched_immediate {
	LAST_COUNTER_OF_CPU = 0x7ce11a55, /* counters in a front, a power of two, minus 1 */
	LAST_COUNTER = 0x7ce11a57, /* counters of all CPUs, a power of two, minus 1 */
};

/* slot.start of a call that a filter or sampling skips. */
#define SKIPPED 0

/* Where the entry probe leaves the start of a call for the exit probe. */
struct slot {
	__u64 start; /* ns, CLOCK_MONOTONIC; or SKIPPED */
	__u64 frame; /* identifies the call that is under way, see README.md; 0: none */
	__u64 switches; /* involuntary context switches of the task at the start, with MODE_PREEMPTIBLE */
	__u64 scratch; /* for pointer_as_scalar() */
	/* The rest is used in the slots of CPUs only. User space sets the first three before it loads the probes: the
	 * front of the CPU is first, first + 1, … first + mask. A mask of 0: the CPU has no front of its own. */
	__u32 first, mask;
	__u32 skip; /* calls to skip before the next one is sampled */
	__u32 random; /* state of the generator, never 0 */
	__u64 _pad[2]; /* a cache line per CPU */
};

/* One call, as it is written to the perf ring. The subject of the call, the return addresses in the kernel and those
 * in the program follow, the innermost address first. */
struct event {
	__u64 start; /* CLOCK_MONOTONIC, ns */
	__u64 reading; /* ns; NO_READING: another task ran meanwhile, or the entry was missed */
	__u32 probe; /* number of the pair of probes */
	__u32 mntns;
	__u32 tgid, pid;
	__s32 ret;
	__u16 syscall;
	__u16 about, kernel_stack, user_stack; /* bytes of each that follow */
	__u32 _pad;
	__u8 comm[16];
};

#define NO_READING (~0ULL)

/* What the subject of a call is, and how its bytes are written. A path is the names of its components from the last
 * to the root, each with a NUL. It ends in an empty name if it is complete. */
enum subject {
	ABOUT_NOTHING,
	ABOUT_FILE, /* struct file: a path */
	ABOUT_EXEC, /* struct linux_binprm: a path */
	ABOUT_PATH, /* struct path: a path */
	ABOUT_ENTRY, /* struct path of a directory, and a dentry in it: a path */
	ABOUT_DENTRY, /* struct dentry: a path, up to the root of its file system */
	ABOUT_MOUNT, /* struct vfsmount: the path of the mount point */
	ABOUT_ADDRESS, /* struct sockaddr and its length: its bytes */
	ABOUT_TASK, /* struct task_struct: process id, command */
	ABOUT_NUMBERS, /* three arguments, 8 bytes each */
};

/* Events of one CPU since the start. */
struct tally {
	__u64 sent;
	__u64 lost; /* the ring was full */
	__u64 _pad[6]; /* a cache line per CPU */
};

/* An interrupt that hit a running program, as it is written to the perf ring. The addresses follow, the interrupted
 * instruction first and after it the return addresses of its callers, up to the outermost one in a program. */
struct line_sample {
	__u64 time; /* CLOCK_MONOTONIC, ns */
	__u32 mntns;
	__u16 syscall;
	__u16 bytes; /* of the addresses */
	__u8 comm[16];
};

/* Interrupts of one CPU since the start. Those of other code than the kernel's are not among them. */
struct line_tally {
	__u64 seen; /* while recording, and not skipped by a filter */
	__u64 sent; /* in a program */
	__u64 lost; /* in a program, but the ring was full */
	__u64 unknown; /* the kernel did not unwind its stack */
};

/* A syscall of the tasks in a mount namespace. */
struct syscall_key {
	__u32 mntns;
	__u32 syscall;
};

/* How long the calls of a syscall took, from entry to exit. Calls that another task preempted are counted apart. */
struct syscall_time {
	__u64 calls, ns;
	__u64 preempted, preempted_ns;
};

/* The syscall that a task is in. */
struct call {
	__u64 start; /* ns; 0: in none */
	__u64 switches; /* involuntary context switches of the task at the start */
	struct syscall_key of;
};

/* A loaded BPF LSM program. */
struct lsm_program {
	__u32 id;
	__u32 sleepable;
	__u32 has_btf;
	__u8 hook[64]; /* bpf_lsm_file_open */
	__u8 name[128]; /* of its function; the first 15 characters without BTF */
};

/* A link, and the program that it attaches. */
struct program_link {
	__u32 id;
	__u32 program;
};

/* A rule that a program looks at for the tasks in a mount namespace. */
struct rule_key {
	__u32 mntns;
	__u32 rule; /* its index; RULE_LOST, with mntns 0: all for which the map had no room */
};

enum rule_lost { RULE_LOST = 0xffffffff };

/* How often a rule was looked at, how often the walk ended there, and what the timed looks took. */
struct rule_cost {
	__u64 looks, ends;
	__u64 timed, ns;
};

/* What the walk of the calibration does with each index. */
enum walk_kind { WALK_EMPTY, WALK_HASH, WALK_ARRAY };

/* The walk of the calibration. User space changes it between batches of calls. */
struct rule_walk {
	__u32 length;
	__u32 kind; /* enum walk_kind */
};

#endif
