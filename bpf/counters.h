/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* The counters, and how a call finds its own. */
#ifndef LSMPROF_COUNTERS_H
#define LSMPROF_COUNTERS_H

#include "syscall.h"
#include "types.h"

const volatile __u8 bucket_of[4096]; /* the bucket of a reading below 4096 ns; user space sets it before the load */

/* The counters of CPU 0, of CPU 1, …; user space sets the size before the load. Arrays, because user space maps them
 * into its memory, which it cannot do with per-CPU arrays.
 *
 * INLINE probes have all counters in one map value. Its address is a constant, which saves the lookup, but most
 * kernels limit a value to 4 MiB (KMALLOC_MAX_SIZE). */
struct counter inline_counters[1] SEC(".data.counters");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct counter);
} counters SEC(".maps");

/* The counter of a CPU at a hash. The two masks of INLINE probes are patched before the load, because fetching a
 * constant from .rodata takes two instructions; see README.md. The asm is volatile, and on 32-bit registers, so that
 * the bound that the verifier needs stays next to the access. */
static __always_inline struct counter *counter_at(enum probe_kind kind, struct slot *cpu, __u32 i)
{
	__u32 index;

	if (kind == INLINE) {
		struct counter *all = inline_counters;

		barrier_var(all); /* else the compiler assumes that there is only one */
		asm volatile("%0 &= %1" : "+w"(i) : "i"(LAST_COUNTER_OF_CPU));
		index = cpu->first | i;
		asm volatile("%0 &= %1" : "+w"(index) : "i"(LAST_COUNTER));
		return &all[index];
	}
	index = cpu->first | (i & cpu->mask);
	return bpf_map_lookup_elem(&counters, &index);
}

/* Distance between the places of a key. Not 1: the syscalls of a workload hash to neighbours, and would take each
 * other's places. */
#define WAY 0x55

/* Slow path: the key is not in its home place. Tries four alternatives, then claims the first free one of the five,
 * else uses the shared counter. */
static __always_inline struct counter *find(enum probe_kind kind, struct slot *cpu, __u32 hash, __u64 tag)
{
	struct counter *counter;

	if (!cpu)
		return 0;
	for (int way = 1; way < 5; way++) {
		counter = counter_at(kind, cpu, hash + way * WAY);
		if (!counter || counter->tag == tag)
			return counter;
	}
	for (int way = 0; way < 5; way++) {
		counter = counter_at(kind, cpu, hash + way * WAY);
		if (!counter)
			return 0;
		if (!counter->tag) {
			bpf_get_current_comm(counter->comm, sizeof(counter->comm));
			counter->tag = tag;
			return counter;
		}
	}
	return counter_at(kind, cpu, 0);
}

static __always_inline __u32 hash_of(__u32 mntns, __u32 syscall)
{
	__u32 hash = mntns * 0x9E3779B1U;

	/* The compiler would add to a copy of syscall. */
	asm("%0 += %1" : "+w"(hash) : "w"(syscall));
	return hash;
}

/* Both recompute the hash: passing it in would cost the fast path a register. */
static __noinline struct counter *find_counter(struct slot *cpu, __u64 tag)
{
	return find(LOOKED_UP, cpu, hash_of(tag, tag >> 32), tag);
}

static __noinline struct counter *find_inline_counter(struct slot *cpu, __u64 tag)
{
	return find(INLINE, cpu, hash_of(tag, tag >> 32), tag);
}

static __always_inline struct counter *counter_of(enum probe_kind kind, struct task_struct *task, void *regs,
						  struct slot *cpu, __u64 frame)
{
	__u32 mntns = mntns_of(kind, task);
	__u64 syscall = syscall_of(kind, task, regs, cpu, frame);
	__u64 tag = syscall << 32 | mntns;
	struct counter *counter = counter_at(kind, cpu, hash_of(mntns, syscall));

	if (kind != INLINE && !counter)
		return 0;
	if (unlikely(counter->tag != tag))
		counter = kind == INLINE ? find_inline_counter(cpu, tag) : find_counter(cpu, tag);
	return counter;
}

/* The compiler knows that ns is within the table, but the verifier may have lost track. */
static __always_inline __u32 coarse_bucket(__u64 ns)
{
	barrier_var(ns);
	return bucket_of[ns & 4095];
}

/* Buckets are log-linear, four to an octave. The table covers the first twelve octaves; a reading ten octaves
 * longer, that is 1024 times as long, is 40 buckets further on. */
static __always_inline __u32 bucket(__u64 ns)
{
	if (likely(ns < 1 << 12))
		return bucket_of[ns];
	if (likely(ns < 1 << 22))
		return coarse_bucket(ns >> 10) + 40;
	if (ns < 1 << 30)
		return coarse_bucket(ns >> 20) + 80;
	return BUCKETS - 1;
}

#endif
