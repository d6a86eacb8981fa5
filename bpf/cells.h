/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* The counters, and which of them an invocation belongs to. */
#ifndef LSMPROF_CELLS_H
#define LSMPROF_CELLS_H

#include "syscall.h"
#include "types.h"

const volatile __u8 bucket_of[1024]; /* of a reading below 1024 ns; set before the load */

/* Those of CPU 0, of CPU 1, …; resized at load. An array and not a per-CPU array because user space maps it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cell);
} cells SEC(".maps");

static __always_inline struct cell *cell_at(struct slot *home, __u32 i)
{
	__u32 index = home->first | (i & home->mask);

	return bpf_map_lookup_elem(&cells, &index);
}

/* The cell of a key that is not where its hash says: in one of the next four, a free one of those, or the common one. */
static __noinline struct cell *find_cell(struct slot *home, __u32 hash, __u64 tag)
{
	struct cell *cell;

	if (!home)
		return 0;
	for (int way = 1; way < 5; way++) {
		cell = cell_at(home, hash + way);
		if (!cell || cell->tag == tag)
			return cell;
	}
	for (int way = 0; way < 5; way++) {
		cell = cell_at(home, hash + way);
		if (!cell)
			return 0;
		if (!cell->tag) {
			bpf_get_current_comm(cell->comm, sizeof(cell->comm));
			cell->tag = tag;
			return cell;
		}
	}
	return cell_at(home, 0);
}

static __always_inline struct cell *cell_of(int legacy, struct task_struct *task, void *regs, struct slot *home,
					    __u64 frame)
{
	__u32 mntns = mntns_of(legacy, task);
	__u32 syscall = syscall_of(legacy, task, regs, home, frame);
	__u64 tag = (__u64)mntns << 32 | syscall;
	__u32 hash = mntns * 0x9E3779B1U + syscall;
	struct cell *cell = cell_at(home, hash);

	if (cell && unlikely(cell->tag != tag))
		cell = find_cell(home, hash, tag);
	return cell;
}

static __always_inline __u32 bucket(__u64 ns)
{
	if (likely(ns < 1024))
		return bucket_of[ns];
	if (likely(ns < 1 << 17))
		return bucket_of[ns >> 7 & 1023] + 28;
	if (ns < 1 << 24)
		return bucket_of[ns >> 14 & 1023] + 56;
	if (ns < 1 << 30)
		return bucket_of[ns >> 21 & 1023] + 84;
	return BUCKETS - 1;
}

#endif
