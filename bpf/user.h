/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* The saved user registers of a task: they hold the syscall that brought it into the kernel, if one did. */
#ifndef LSMPROF_USER_H
#define LSMPROF_USER_H

#include "types.h"
#include "task.h"

#define TS_COMPAT 0x0002 /* x86: arch/x86/include/asm/thread_info.h */
#define TIF_32BIT (1UL << 22) /* arm64 */

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

/* ip is 0 for tasks that never return to user space: copy_thread zeroes the registers of kernel threads, those of
 * user mode helpers until their exec (they lack PF_KTHREAD since 343f4c49f243, Linux 5.19), and the ip of io_uring's
 * workers. nr is negative if an exception or a signal frame brought the task into the kernel. */
struct user_state {
	__u64 ip;
	__u64 nr; /* the upper half is undefined */
	__u32 compat;
};

/* Asks for the architecture once, and shares no code between the two: either would cost the probe instructions. */
static __always_inline struct user_state user_state_of(enum probe_kind kind, struct task_struct *task, void *regs)
{
	struct user_state s;

	if (bpf_core_field_exists(struct pt_regs___x86, orig_ax)) {
		struct pt_regs___x86 *x86 = regs;
		struct task_struct___x86 *t = (void *)task;

		s.ip = TASK(kind, x86, ip);
		s.nr = TASK(kind, x86, orig_ax);
		s.compat = TASK(kind, t, thread_info.status) & TS_COMPAT;
		barrier_var(s.ip);
	} else {
		struct pt_regs___arm64 *arm64 = regs;
		struct task_struct___arm64 *t = (void *)task;

		/* Zeroed registers have the number 0, io_setup, which is rare: only then the pc is worth its load,
		 * which the JIT guards with six instructions. */
		s.nr = TASK(kind, arm64, syscallno);
		s.ip = 1;
		if (unlikely(!(__u32)s.nr))
			s.ip = TASK(kind, arm64, pc);
		s.compat = TASK(kind, t, thread_info.flags) & TIF_32BIT;
	}
	return s;
}

/* The upper half of the result is undefined: clearing it would take an instruction. So would passing the struct. */
static __always_inline __u64 syscall_in(__u64 nr, __u32 compat)
{
	/* On arm64 compat says what the task is, and not how it came into the kernel. */
	if (unlikely(compat))
		return nr & 1U << 31 ? syscall(SYSCALL_NONE, NO_SYSCALL_EXCEPTION)
				     : syscall(SYSCALL_COMPAT, nr & SYSCALL_NR_MASK);
	if (likely((__u32)nr <= SYSCALL_NR_MASK))
		return syscall(SYSCALL_NATIVE, nr);
	if (nr & 1U << 31)
		return syscall(SYSCALL_NONE, NO_SYSCALL_EXCEPTION);
	return syscall(SYSCALL_X32, nr & SYSCALL_NR_MASK);
}

#endif
