/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* The exit probe: what probe.bpf.c and trace.bpf.c have in common, so that a bias calibrated with one holds for
 * both. */
#ifndef LSMPROF_EXIT_H
#define LSMPROF_EXIT_H

#include "control.h"
#include "slot.h"
#include "task.h"

#define NO_RETURN 255

#define EPERM 1
#define EACCES 13
#define EXDEV 18

/* The number of arguments of the hook, for probes on hooks; NO_RETURN: it returns nothing. User space sets it before
 * the load. */
const volatile __u8 arguments;

/* Takes the start of a call out of its slot. Returns the frame of the call that the start belongs to: the caller
 * ignores the start unless that frame is its own ctx. */
static __always_inline __u64 take_start(struct slot *slot, __u64 *start)
{
	__u64 frame;

	/* The start before the frame: a call that interrupts between the two loads leaves another frame. */
	*start = *(volatile __u64 *)&slot->start;
	frame = *(volatile __u64 *)&slot->frame;
	/* Even if the frame is another one: a start that stays behind could meet an exit whose entry was missed. */
	slot->frame = 0;
	return frame;
}

/* The return value of a kernel function lies behind its arguments. */
#define RETURN_BEHIND(n)                                                                     \
	case n:                                                                              \
		asm volatile("%0 = *(u64 *)(%1 + %2)" : "=r"(ret) : "r"(ctx), "i"((n) * 8)); \
		break

/* Functions of the kernel also answer with other errors, such as EOPNOTSUPP and ECHILD, and with lengths. EXDEV is
 * Landlock's answer to renames across directories. */
static __always_inline int denied_by_function(int ret)
{
	return ret == -EPERM || ret == -EACCES || ret == -EXDEV ? ret : 0;
}

/* The return value of the target; nonzero means that the call was denied. */
static __always_inline int denied(enum probe_kind kind, void *ctx)
{
	__u64 ret = 0;

	/* The verifier treats a BPF program as a function of five arguments (btf_ctx_access). */
	if (kind != LEGACY && kind != WHOLE_HOOK)
		return ((__u64 *)ctx)[5];
	switch (arguments) {
		RETURN_BEHIND(0);
		RETURN_BEHIND(1);
		RETURN_BEHIND(2);
		RETURN_BEHIND(3);
		RETURN_BEHIND(4);
		RETURN_BEHIND(5);
		RETURN_BEHIND(6);
	}
	return mode_of_all & MODE_FUNCTION ? denied_by_function(ret) : (int)ret;
}

#endif
