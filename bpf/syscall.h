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

static __always_inline __u64 syscall(enum syscall_kind kind, __u64 nr)
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

/* What syscall_of looks at. The instruction pointer is 0 for what never returns to user space: copy_thread zeroes the registers of
 * kernel threads and of user mode helpers (until their exec; they have no PF_KTHREAD since 343f4c49f243, 5.19), and the instruction
 * pointer of io_uring's workers. The number is negative where an exception or a signal frame brought the task into the kernel. */
struct user_state {
	__u64 ip;
	__u64 nr; /* the lower half */
	__u32 compat;
};

/* One question for the architecture, and no code that both share: either would cost the probe instructions. */
static __always_inline struct user_state user_state_of(int legacy, struct task_struct *task, void *regs)
{
	struct user_state s;

	if (bpf_core_field_exists(struct pt_regs___x86, orig_ax)) {
		struct pt_regs___x86 *x86 = regs;
		struct task_struct___x86 *t = (void *)task;

		s.ip = TASK(legacy, x86, ip);
		s.nr = TASK(legacy, x86, orig_ax);
		s.compat = TASK(legacy, t, thread_info.status) & TS_COMPAT;
		barrier_var(s.ip);
	} else {
		struct pt_regs___arm64 *arm64 = regs;
		struct task_struct___arm64 *t = (void *)task;

		s.ip = TASK(legacy, arm64, pc);
		s.nr = TASK(legacy, arm64, syscallno);
		s.compat = !!(TASK(legacy, t, thread_info.flags) & TIF_32BIT);
	}
	return s;
}

/* The saved user registers of a task that is not in a syscall are stale or zero: tell those apart first. The upper half of the result
 * means nothing: clearing it would take an instruction. */
static __always_inline __u64 syscall_of(int legacy, struct task_struct *task, void *regs, struct slot *home,
					__u64 frame)
{
	struct user_state s;
	__u64 nr;

	/* Interrupts and softirqs have stacks of their own. */
	if (unlikely(number(home, regs) - frame >= THREAD_SIZE))
		return syscall(SYSCALL_NONE, NO_SYSCALL_IRQ);
	s = user_state_of(legacy, task, regs);
	if (unlikely(!s.ip))
		return syscall(SYSCALL_NONE,
			       TASK(legacy, task, flags) & PF_IO_WORKER ? NO_SYSCALL_IO_URING : NO_SYSCALL_KTHREAD);
	nr = s.nr;
	if (unlikely(s.compat))
		return syscall(SYSCALL_COMPAT, nr & SYSCALL_NR_MASK);
	if (likely((__u32)nr <= SYSCALL_NR_MASK))
		return syscall(SYSCALL_NATIVE, nr);
	if (nr & 1U << 31)
		return syscall(SYSCALL_NONE, NO_SYSCALL_EXCEPTION);
	return syscall(SYSCALL_X32, nr & SYSCALL_NR_MASK);
}

#endif
