/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* The entry probe: what it leaves out, and the start of the rest. */
#ifndef LSMPROF_ENTER_H
#define LSMPROF_ENTER_H

#include "control.h"
#include "slot.h"
#include "task.h"

/* The timestamp is the last thing taken: what the probe does before it is not in the reading. */
static __always_inline int enter(int legacy, void *ctx, struct slot *slot, struct slot *home)
{
	__u32 mode = probing;

	if (!slot)
		return 0;
	if (mode) {
		struct task_struct *task;

		if (mode & MODE_RARE) {
			if (mode & MODE_OFF)
				return 0;
			if (mode & MODE_SAMPLE && left_out(home))
				goto leave_out;
			if (mode & MODE_FILTERS && excluded(legacy, mode, current_task(legacy)))
				goto leave_out;
		}
		task = current_task(legacy);
		if (mode & MODE_PREEMPTIBLE)
			slot->switches = TASK(legacy, task, nivcsw) + 1;
	}
	slot->frame = (__u64)ctx;
	slot->start = bpf_ktime_get_ns();
	return 0;
leave_out:
	slot->frame = ~number(home, ctx);
	return 0;
}

#endif
