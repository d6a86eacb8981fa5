/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* The syscall that a task is in, read from its saved user registers: no probe on sys_enter is needed. */
#ifndef LSMPROF_SYSCALL_H
#define LSMPROF_SYSCALL_H

#include "types.h"
#include "task.h"
#include "slot.h"
#include "user.h"

#define PF_IO_WORKER 0x00000010
#define THREAD_SIZE (16 << 10) /* amd64, and arm64 with 4K pages */

/* The saved user registers, at the top of the kernel stack. */
static __always_inline void *regs_of(enum probe_kind kind, struct task_struct *task)
{
	if (kind == LEGACY)
		return BPF_CORE_READ(task, stack) + THREAD_SIZE - bpf_core_type_size(struct pt_regs);
	return (void *)bpf_task_pt_regs((void *)task);
}

/* The saved registers of a task that is not in a syscall are stale or zero, so those cases are checked first. The
 * upper half of the result is undefined. */
static __always_inline __u64 syscall_of(enum probe_kind kind, struct task_struct *task, void *regs, struct slot *cpu,
					__u64 frame)
{
	struct user_state s;

	/* Interrupts and softirqs run on their own stacks: there, our frame is not within THREAD_SIZE below the
	 * registers, which lie at the top of the task's stack. */
	if (unlikely(pointer_as_scalar(cpu, regs) - frame >= THREAD_SIZE))
		return syscall(SYSCALL_NONE, NO_SYSCALL_IRQ);
	s = user_state_of(kind, task, regs);
	if (unlikely(!s.ip))
		return syscall(SYSCALL_NONE,
			       TASK(kind, task, flags) & PF_IO_WORKER ? NO_SYSCALL_IO_URING : NO_SYSCALL_KTHREAD);
	return syscall_in(s.nr, s.compat);
}

#endif
