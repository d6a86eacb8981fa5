/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Where the entry probe leaves the start of a call for the exit probe. */
#ifndef LSMPROF_SLOT_H
#define LSMPROF_SLOT_H

#include "types.h"
#include <bpf/bpf_helpers.h>

#define MAX_CPUS 1024

/* Non-sleepable programs run with migration disabled from trampoline entry to exit: one slot per CPU. */
struct slot slots[MAX_CPUS];

/* Sleepable programs may continue on another CPU: one slot per task. */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct slot);
} task_slots SEC(".maps");

static __always_inline struct slot *cpu_slot(void)
{
	return &slots[bpf_get_smp_processor_id() & (MAX_CPUS - 1)];
}

static __always_inline struct slot *new_task_slot(void)
{
	return bpf_task_storage_get(&task_slots, bpf_get_current_task_btf(), 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
}

static __always_inline struct slot *task_slot(void)
{
	return bpf_task_storage_get(&task_slots, bpf_get_current_task_btf(), 0, 0);
}

/* The verifier forbids arithmetic on kernel pointers but allows storing them: write the pointer to map memory and
 * read it back as a plain number. Nothing overwrites scratch in between: the program stays on its CPU, and the
 * kernel does not let it recur there. */
static __always_inline __u64 pointer_as_scalar(struct slot *slot, void *pointer)
{
	volatile __u64 *scratch = &slot->scratch;

	*scratch = (__u64)pointer;
	return *scratch;
}

#endif
