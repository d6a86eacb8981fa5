/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* What the saved user registers of a task say: the syscall that brought it into the kernel, if one did. */
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

/* The instruction pointer is 0 for what never returns to user space: copy_thread zeroes the registers of kernel threads and of user
 * mode helpers (until their exec; they have no PF_KTHREAD since 343f4c49f243, 5.19), and the instruction pointer of io_uring's workers. The number is negative where an exception or a signal frame brought the task into the kernel. */
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

/* The upper half of the result means nothing: clearing it would take an instruction. So would handing over the struct. */
static __always_inline __u64 syscall_in(__u64 nr, __u32 compat)
{
	if (unlikely(compat))
		return syscall(SYSCALL_COMPAT, nr & SYSCALL_NR_MASK);
	if (likely((__u32)nr <= SYSCALL_NR_MASK))
		return syscall(SYSCALL_NATIVE, nr);
	if (nr & 1U << 31)
		return syscall(SYSCALL_NONE, NO_SYSCALL_EXCEPTION);
	return syscall(SYSCALL_X32, nr & SYSCALL_NR_MASK);
}

#endif
