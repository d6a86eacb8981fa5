/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* The entry probe: decides whether to skip a call, and records the start of the others. */
#ifndef LSMPROF_ENTRY_H
#define LSMPROF_ENTRY_H

#include "control.h"
#include "slot.h"
#include "task.h"

/* Reads the clock last: what the probe does before it is not in the reading. */
static __always_inline int record_start(enum probe_kind kind, __u32 mode, void *ctx, struct slot *slot)
{
	if (off)
		return 0;
	if (mode & MODE_PREEMPTIBLE)
		slot->switches = TASK(kind, current_task(kind), nivcsw);
	slot->frame = (__u64)ctx;
	slot->start = bpf_ktime_get_ns();
	return 0;
}

/* Tells the exit probe that this call is skipped, and not one whose entry was missed. */
static __always_inline int mark_skipped(void *ctx, struct slot *slot)
{
	slot->frame = (__u64)ctx;
	slot->start = SKIPPED;
	return 0;
}

static __always_inline int on_entry(enum probe_kind kind, __u32 mode, void *ctx, struct slot *slot, struct slot *cpu)
{
	if (!slot)
		return 0;
	if (mode & MODE_SAMPLE && sampling_skips(cpu))
		return mark_skipped(ctx, slot);
	if (mode & MODE_FILTERS && filtered_out(kind, mode, current_task(kind)))
		return mark_skipped(ctx, slot);
	return record_start(kind, mode, ctx, slot);
}

/* The entry programs that probe.bpf.c and trace.bpf.c have in common. */
#define SLEEPABLE_ENTRY(name)                                                              \
	SEC("fentry")                                                                      \
	int name(void *ctx)                                                                \
	{                                                                                  \
		if (off)                                                                   \
			return 0;                                                          \
		return on_entry(LOOKED_UP, mode_of_all, ctx, new_task_slot(), cpu_slot()); \
	}

#define LEGACY_ENTRY(name)                                           \
	SEC("fentry")                                                \
	int name(void *ctx)                                          \
	{                                                            \
		struct slot *cpu = cpu_slot();                       \
                                                                     \
		return on_entry(LEGACY, mode_of_all, ctx, cpu, cpu); \
	}

#endif
