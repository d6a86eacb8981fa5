/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Where an invocation leaves its start. */
#ifndef LSMPROF_SLOT_H
#define LSMPROF_SLOT_H

#include "types.h"
#include <bpf/bpf_helpers.h>

#define MAX_CPUS 1024

/* Non-sleepable programs run with migration off, from trampoline entry to exit. */
struct slot slots[MAX_CPUS];

/* Sleepable programs may continue on another CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct slot);
} task_slots SEC(".maps");

static __always_inline struct slot *home_slot(void)
{
	return &slots[bpf_get_smp_processor_id() & (MAX_CPUS - 1)];
}

/* The verifier lets a pointer be stored, not be computed with. */
static __always_inline __u64 number(struct slot *slot, void *pointer)
{
	volatile __u64 *scratch = &slot->scratch;

	*scratch = (__u64)pointer;
	return *scratch;
}

#endif
