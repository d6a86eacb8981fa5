/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* The syscall that a task is in, from its saved user registers: no probe on sys_enter. */
#ifndef LSMPROF_SYSCALL_H
#define LSMPROF_SYSCALL_H

#include "types.h"
#include "task.h"
#include "slot.h"

#define PF_IO_WORKER 0x00000010
#define TS_COMPAT 0x0002 /* x86: arch/x86/include/asm/thread_info.h */
#define TIF_32BIT (1UL << 22) /* arm64 */
#define THREAD_SIZE (16 << 10) /* amd64, and arm64 with 4K pages */

struct thread_info___x86 {
	__u32 status;
} __relocated;
struct task_struct___x86 {
	struct thread_info___x86 thread_info;
} __relocated;
struct thread_info___arm64 {
	unsigned long flags;
} __relocated;
struct task_struct___arm64 {
	struct thread_info___arm64 thread_info;
} __relocated;
struct pt_regs {
} __relocated;
struct pt_regs___x86 {
	unsigned long orig_ax;
	unsigned long ip;
} __relocated;
struct pt_regs___arm64 {
	__s32 syscallno;
	__u64 pc;
} __relocated;

static __always_inline __u32 syscall(enum syscall_kind kind, __u32 nr)
{
	return kind << SYSCALL_KIND_SHIFT | nr;
}

/* The user's registers, at the top of the kernel stack. */
static __always_inline void *regs_of(int legacy, struct task_struct *task)
{
	if (legacy)
		return BPF_CORE_READ(task, stack) + THREAD_SIZE - bpf_core_type_size(struct pt_regs);
	return (void *)bpf_task_pt_regs((void *)task);
}

/* Negative where an exception or a signal frame brought the task into the kernel. */
static __always_inline __s32 syscall_nr(int legacy, void *regs)
{
	if (bpf_core_field_exists(struct pt_regs___x86, orig_ax))
		return TASK(legacy, (struct pt_regs___x86 *)regs, orig_ax);
	return TASK(legacy, (struct pt_regs___arm64 *)regs, syscallno);
}

/* 0 for what never returns to user space: copy_thread zeroes the registers of kernel threads and of user mode helpers (until
 * their exec; they have no PF_KTHREAD since 343f4c49f243, 5.19), and the instruction pointer of io_uring's workers. */
static __always_inline __u64 user_ip(int legacy, void *regs)
{
	if (bpf_core_field_exists(struct pt_regs___x86, ip))
		return TASK(legacy, (struct pt_regs___x86 *)regs, ip);
	return TASK(legacy, (struct pt_regs___arm64 *)regs, pc);
}

static __always_inline int is_compat(int legacy, struct task_struct *task)
{
	if (bpf_core_field_exists(struct thread_info___x86, status)) {
		struct task_struct___x86 *x86 = (void *)task;

		return TASK(legacy, x86, thread_info.status) & TS_COMPAT;
	} else {
		struct task_struct___arm64 *arm64 = (void *)task;

		return !!(TASK(legacy, arm64, thread_info.flags) & TIF_32BIT);
	}
}

/* The saved user registers of a task that is not in a syscall are stale or zero: tell those apart first. */
static __always_inline __u32 syscall_of(int legacy, struct task_struct *task, void *regs, struct slot *home,
					__u64 frame)
{
	__u32 nr;

	/* Interrupts and softirqs have stacks of their own. */
	if (unlikely(number(home, regs) - frame >= THREAD_SIZE))
		return syscall(SYSCALL_NONE, NO_SYSCALL_IRQ);
	if (unlikely(!user_ip(legacy, regs)))
		return syscall(SYSCALL_NONE,
			       TASK(legacy, task, flags) & PF_IO_WORKER ? NO_SYSCALL_IO_URING : NO_SYSCALL_KTHREAD);
	nr = syscall_nr(legacy, regs);
	if (unlikely(is_compat(legacy, task)))
		return syscall(SYSCALL_COMPAT, nr & SYSCALL_NR_MASK);
	if (likely(nr <= SYSCALL_NR_MASK))
		return syscall(SYSCALL_NATIVE, nr);
	if (nr & 1U << 31)
		return syscall(SYSCALL_NONE, NO_SYSCALL_EXCEPTION);
	return syscall(SYSCALL_X32, nr & SYSCALL_NR_MASK);
}

#endif
