/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* The counters, and which of them an invocation belongs to. */
#ifndef LSMPROF_CELLS_H
#define LSMPROF_CELLS_H

#include "syscall.h"
#include "types.h"

const volatile __u8 bucket_of[4096]; /* of a reading below 4096 ns; set before the load */

/* Those of CPU 0, of CPU 1, …; resized at load. An array and not a per-CPU array because user space maps it. Quick probes have
 * all of them in one value, whose address is a constant: that saves the lookup. A value
 * has 4 MiB at most on most kernels (KMALLOC_MAX_SIZE). */
struct cell quick_cells[1] SEC(".data.cells");

/* The index of the last quick cell of a CPU and of all, powers of two minus 1, take the places of these numbers in the
 * instructions before the load (tracer/probe.go): a constant in .rodata takes two instructions to fetch. The verifier refuses a
 * program that was left as it is. */
#define LAST_QUICK_CELL_OF_CPU 0x7ce11a55
#define LAST_QUICK_CELL 0x7ce11a57

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cell);
} cells SEC(".maps");

static __always_inline struct cell *cell_at(int quick, struct slot *home, __u32 i)
{
	__u32 index;

	if (quick) {
		struct cell *all = quick_cells;

		barrier_var(all); /* the compiler believes that there is one */
		asm volatile("%0 &= %1" : "+w"(i) : "i"(LAST_QUICK_CELL_OF_CPU));
		index = home->first | i;
		asm volatile("%0 &= %1" : "+w"(index) : "i"(LAST_QUICK_CELL));
		return &all[index];
	}
	index = home->first | (i & home->mask);
	return bpf_map_lookup_elem(&cells, &index);
}

/* The other places of a key are this far apart: the syscalls of a workload lie side by side, and would take each other's. */
#define WAY 0x55

/* The cell of a key that is not where its hash says: in one of four other places, a free one of all five, or the common one. */
static __always_inline struct cell *find(int quick, struct slot *home, __u32 hash, __u64 tag)
{
	struct cell *cell;

	if (!home)
		return 0;
	for (int way = 1; way < 5; way++) {
		cell = cell_at(quick, home, hash + way * WAY);
		if (!cell || cell->tag == tag)
			return cell;
	}
	for (int way = 0; way < 5; way++) {
		cell = cell_at(quick, home, hash + way * WAY);
		if (!cell)
			return 0;
		if (!cell->tag) {
			bpf_get_current_comm(cell->comm, sizeof(cell->comm));
			cell->tag = tag;
			return cell;
		}
	}
	return cell_at(quick, home, 0);
}

static __always_inline __u32 hash_of(__u32 mntns, __u32 syscall)
{
	__u32 hash = mntns * 0x9E3779B1U;

	/* The compiler would add to a copy of syscall. */
	asm("%0 += %1" : "+w"(hash) : "w"(syscall));
	return hash;
}

/* These hash anew: a hash to give them would take a register on the way that finds its cell at once. */
static __noinline struct cell *find_cell(struct slot *home, __u64 tag)
{
	return find(0, home, hash_of(tag, tag >> 32), tag);
}

static __noinline struct cell *find_quick_cell(struct slot *home, __u64 tag)
{
	return find(1, home, hash_of(tag, tag >> 32), tag);
}

static __always_inline struct cell *cell_of(int legacy, int quick, struct task_struct *task, void *regs,
					    struct slot *home, __u64 frame)
{
	__u32 mntns = mntns_of(legacy, task);
	__u64 syscall = syscall_of(legacy, task, regs, home, frame);
	__u64 tag = syscall << 32 | mntns;
	struct cell *cell = cell_at(quick, home, hash_of(mntns, syscall));

	if (!quick && !cell)
		return 0;
	if (unlikely(cell->tag != tag))
		cell = quick ? find_quick_cell(home, tag) : find_cell(home, tag);
	return cell;
}

/* The compiler knows that coarse readings are in the table, the verifier may have lost track of it. */
static __always_inline __u32 coarse(__u64 ns)
{
	barrier_var(ns);
	return bucket_of[ns & 4095];
}

static __always_inline __u32 bucket(__u64 ns)
{
	if (likely(ns < 1 << 12))
		return bucket_of[ns];
	if (likely(ns < 1 << 22))
		return coarse(ns >> 10) + 40;
	if (ns < 1 << 30)
		return coarse(ns >> 20) + 80;
	return BUCKETS - 1;
}

#endif
