//go:build ignore

// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/* Keeps the process tree of a command in the filter's table of process ids: the command from its first execve on,
 * and every process that one of the tree forks. The probes filter by that table as if user space had filled it. Only
 * fork and the end of a process take longer. */
#include "control.h"

struct task_struct___command {
	__s32 pid, tgid;
	struct task_struct___command *real_parent;
} __relocated;

/* User space sets these before the load. */
const volatile __u32 self; /* lsmprof's own process */
const volatile __s64 execve; /* the number of the syscall */

volatile __u64 unfollowed; /* processes whose two places in the table were taken */

static __always_inline volatile __u32 *places_of(__u32 tgid)
{
	return pids_allowed + ((tgid & (FILTER_SLOTS / 2 - 1)) << 1);
}

/* There is no atomic claim of a place before 5.12. Two CPUs could take the same place only for processes whose ids
 * differ by a multiple of 2048 and that are forked within nanoseconds. */
static __always_inline void follow(__u32 tgid)
{
	volatile __u32 *places = places_of(tgid);

	if (places[0] == tgid || places[1] == tgid)
		return;
	if (!places[0])
		places[0] = tgid;
	else if (!places[1])
		places[1] = tgid;
	else
		__sync_fetch_and_add(&unfollowed, 1);
}

/* Attached only while lsmprof starts the command. Whatever its child does before execve is lsmprof's own work. */
SEC("tp_btf/sys_enter")
int command_execve(__u64 *ctx)
{
	struct task_struct___command *task = (void *)bpf_get_current_task();

	if (ctx[1] == execve && BPF_CORE_READ(task, real_parent, tgid) == self)
		follow(BPF_CORE_READ(task, tgid));
	return 0;
}

/* Runs in the parent before the child does. */
SEC("tp_btf/sched_process_fork")
int command_fork(__u64 *ctx)
{
	struct task_struct___command *child = (void *)ctx[1];
	__u32 parent = bpf_get_current_pid_tgid() >> 32, tgid = BPF_CORE_READ(child, tgid);

	if (tgid != parent && in_table(pids_allowed, parent))
		follow(tgid);
	return 0;
}

/* Not sched_process_exit: an exiting process calls hooks after it. */
SEC("tp_btf/sched_process_free")
int command_free(__u64 *ctx)
{
	struct task_struct___command *task = (void *)ctx[0];
	__u32 tgid = BPF_CORE_READ(task, tgid);
	volatile __u32 *places = places_of(tgid);

	if (BPF_CORE_READ(task, pid) != tgid)
		return 0; /* a thread */
	if (places[0] == tgid)
		places[0] = 0;
	else if (places[1] == tgid)
		places[1] = 0;
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
