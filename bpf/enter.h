/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* The entry probe: what it leaves out, and the start of the rest. */
#ifndef LSMPROF_ENTER_H
#define LSMPROF_ENTER_H

#include "control.h"
#include "slot.h"
#include "task.h"

/* The timestamp is the last thing taken: what the probe does before it is not in the reading. */
static __always_inline int begin(int legacy, __u32 mode, void *ctx, struct slot *slot)
{
	if (off)
		return 0;
	if (mode & MODE_PREEMPTIBLE)
		slot->switches = TASK(legacy, current_task(legacy), nivcsw);
	slot->frame = (__u64)ctx;
	slot->start = bpf_ktime_get_ns();
	return 0;
}

static __always_inline int leave_out(void *ctx, struct slot *slot)
{
	slot->frame = (__u64)ctx;
	slot->start = LEFT_OUT;
	return 0;
}

static __always_inline int enter(int legacy, __u32 mode, void *ctx, struct slot *slot, struct slot *home)
{
	if (!slot)
		return 0;
	if (mode & MODE_SAMPLE && left_out(home))
		return leave_out(ctx, slot);
	if (mode & MODE_FILTERS && excluded(legacy, mode, current_task(legacy)))
		return leave_out(ctx, slot);
	return begin(legacy, mode, ctx, slot);
}

#endif
