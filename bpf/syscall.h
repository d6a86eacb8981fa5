/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* The syscall that a task is in, from its saved user registers: no probe on sys_enter. */
#ifndef LSMPROF_SYSCALL_H
#define LSMPROF_SYSCALL_H

#include "types.h"
#include "task.h"
#include "slot.h"
#include "user.h"

#define PF_IO_WORKER 0x00000010
#define THREAD_SIZE (16 << 10) /* amd64, and arm64 with 4K pages */

/* The user's registers, at the top of the kernel stack. */
static __always_inline void *regs_of(int legacy, struct task_struct *task)
{
	if (legacy)
		return BPF_CORE_READ(task, stack) + THREAD_SIZE - bpf_core_type_size(struct pt_regs);
	return (void *)bpf_task_pt_regs((void *)task);
}

/* The saved user registers of a task that is not in a syscall are stale or zero: tell those apart first. The upper half of the result
 * means nothing. */
static __always_inline __u64 syscall_of(int legacy, struct task_struct *task, void *regs, struct slot *home,
					__u64 frame)
{
	struct user_state s;

	/* Interrupts and softirqs have stacks of their own. */
	if (unlikely(number(home, regs) - frame >= THREAD_SIZE))
		return syscall(SYSCALL_NONE, NO_SYSCALL_IRQ);
	s = user_state_of(legacy, task, regs);
	if (unlikely(!s.ip))
		return syscall(SYSCALL_NONE,
			       TASK(legacy, task, flags) & PF_IO_WORKER ? NO_SYSCALL_IO_URING : NO_SYSCALL_KTHREAD);
	return syscall_in(s.nr, s.compat);
}

#endif
