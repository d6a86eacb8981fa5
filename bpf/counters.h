/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* The counters, and how a call finds its own.
 *
 * Every CPU has a small table of its own, its front. A key that finds no place there has a counter in the part that
 * all CPUs share, where charging takes atomic instructions. So most keys have one counter, and not one on each CPU. */
#ifndef LSMPROF_COUNTERS_H
#define LSMPROF_COUNTERS_H

#include "exit.h"
#include "syscall.h"
#include "types.h"

/* The bucket of a reading below 4096 ns, of one below 4096 * 1024 ns by its upper bits, and of one below 2^30 ns. User
 * space sets them before the load. */
const volatile __u8 bucket_of[4096];
const volatile __u8 bucket_of_1024[4096];
const volatile __u8 bucket_of_1048576[1024];

/* The fronts, one after the other; then the shared part. User space sets the size before the load. Arrays, because
 * user space maps them into its memory, which it cannot do with per-CPU arrays.
 *
 * INLINE probes have all counters in one map value. Its address is a constant, which saves the lookup, but some
 * kernels limit a value to 4 MiB (KMALLOC_MAX_SIZE). */
struct counter inline_counters[1] SEC(".data.counters");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct counter);
} counters SEC(".maps");

/* The front of the CPUs that have none of their own, because they were offline at the start, and the shared part
 * behind it. User space sets both before the load. LEGACY probes have neither. */
const volatile __u32 common_front, shared_first, shared_places;

/* A counter by its index. The mask of INLINE probes is patched before the load, because fetching a constant from
 * .rodata takes two instructions; see README.md. The asm is volatile, and on 32-bit registers, so that the bound that
 * the verifier needs stays next to the access. */
static __always_inline struct counter *counter_by_index(enum probe_kind kind, __u32 index)
{
	if (kind == INLINE) {
		struct counter *all = inline_counters;

		barrier_var(all); /* else the compiler assumes that there is only one */
		asm volatile("%0 &= %1" : "+w"(index) : "i"(LAST_COUNTER));
		return &all[index];
	}
	return bpf_map_lookup_elem(&counters, &index);
}

/* The counter of a front at a hash. */
static __always_inline struct counter *counter_in(enum probe_kind kind, __u32 first, __u32 mask, __u32 i)
{
	if (kind == INLINE)
		asm volatile("%0 &= %1" : "+w"(i) : "i"(LAST_COUNTER_OF_CPU));
	else
		i &= mask;
	return counter_by_index(kind, first | i);
}

static __always_inline struct counter *counter_at(enum probe_kind kind, struct slot *cpu, __u32 i)
{
	return counter_in(kind, cpu->first, cpu->mask, i);
}

static __always_inline __u32 hash_of(__u32 mntns, __u32 syscall)
{
	__u32 hash = mntns * 0x9E3779B1U;

	/* The compiler would add to a copy of syscall. */
	asm("%0 += %1" : "+w"(hash) : "w"(syscall));
	return hash;
}

/* The bucket of a reading. The compiler knows that the index is within the table, but the verifier may have lost
 * track. */
static __always_inline __u32 bucket(__u64 ns)
{
	if (likely(ns < 1 << 12))
		return bucket_of[ns];
	if (likely(ns < 1 << 22)) {
		ns >>= 10;
		barrier_var(ns);
		return bucket_of_1024[ns & 4095];
	}
	if (ns < 1 << 30) {
		ns >>= 20;
		barrier_var(ns);
		return bucket_of_1048576[ns & 1023];
	}
	return BUCKETS - 1;
}

/* Charges a call to a counter that other CPUs may be writing to. Without a reading, ns is NO_READING. */
static __always_inline void charge_shared(enum probe_kind kind, struct counter *counter, __u64 ns, void *ctx,
					  __u32 weight)
{
	__u32 b;

	if (unlikely(denied(kind, ctx)))
		__sync_fetch_and_add(&counter->denials, weight);
	if (ns == NO_READING) {
		__sync_fetch_and_add(&counter->preempted, weight);
		return;
	}
	if (likely(ns < 1 << 12)) {
		barrier_var(ns);
		b = bucket_of[ns & 4095];
	} else
		b = bucket(ns);
	__sync_fetch_and_add(&counter->sum, ns);
	if (b < BUCKETS)
		__sync_fetch_and_add(&counter->readings[b], 1);
}

/* Distance between the places of a key in a front. Not 1: the syscalls of a workload hash to neighbours, and would take
 * each other's places. */
#define WAY 0x55

/* A key has WAYS places in a front and, side by side, SHARED_WAYS in the shared part. LEGACY probes have no shared
 * part: their kernels lack the atomic instruction. */
#define WAYS(kind) ((kind) == LEGACY ? MOST_WAYS : 3)
#define MOST_WAYS 5
#define SHARED_WAYS 24

/* Where the sink of a front is; its counter for [other] comes first. */
#define COUNTER_OF_SINK 1

/* Claims a free counter of a front, and counts the claim in the comm of the front's counter for [other]: user space
 * looks for new counters only where this number has changed. */
static __always_inline struct counter *claim(enum probe_kind kind, struct counter *counter, __u32 first, __u64 tag)
{
	struct counter *other;

	bpf_get_current_comm(counter->comm, sizeof(counter->comm));
	counter->tag = tag;
	other = counter_by_index(kind, first);
	if (kind == INLINE || other)
		*(__u32 *)other->comm += 1;
	return counter;
}

/* Claims a counter that is shared, unless another CPU was faster, and returns the tag that it has now. The common front
 * counts the claims. */
static __always_inline __u64 claim_shared(enum probe_kind kind, struct counter *counter, __u64 tag)
{
	__u64 was = __sync_val_compare_and_swap(&counter->tag, 0, tag);
	struct counter *other;

	if (was)
		return was;
	bpf_get_current_comm(counter->comm, sizeof(counter->comm));
	other = counter_by_index(kind, common_front);
	if (kind == INLINE || other)
		__sync_fetch_and_add((__u32 *)other->comm, 1);
	return tag;
}

/* Slow path: the key is not in its home place. Tries the other places of the front, then claims the first free one,
 * then tries the shared part, and in the end takes the counter for [other].
 *
 * A shared counter is charged here. The caller gets the sink and adds the call to that, so that its own, frequent path
 * needs no branch. The hash is recomputed: passing it in would cost that path a register. */
static __always_inline struct counter *find(enum probe_kind kind, struct slot *cpu, __u64 tag, __u64 ns, void *ctx,
					    __u32 weight)
{
	__u32 first = cpu->first, mask = kind == INLINE ? 0 : cpu->mask;
	__u32 hash = hash_of(tag, tag >> 32);
	struct counter *places[MOST_WAYS], *counter;

	barrier_var(first); /* else the compiler loads it again and again */
	for (int way = 0; way < WAYS(kind); way++) {
		places[way] = counter_in(kind, first, mask, hash + way * WAY);
		if (kind != INLINE && !places[way])
			return 0;
		if (way && places[way]->tag == tag)
			return places[way];
	}
	for (int way = 0; way < WAYS(kind); way++)
		if (!places[way]->tag)
			return claim(kind, places[way], first, tag);
	if (kind == LEGACY)
		return counter_by_index(kind, first);
	hash *= 0x85ebca6b;
	hash = shared_first + ((__u64)hash * shared_places >> 32);
	for (int way = 0; way < SHARED_WAYS; way++) {
		__u64 was;

		counter = counter_by_index(kind, hash + way);
		if (kind != INLINE && !counter)
			return 0;
		was = *(volatile __u64 *)&counter->tag;
		if (unlikely(!was))
			was = claim_shared(kind, counter, tag);
		if (was == tag) {
			charge_shared(kind, counter, ns, ctx, weight);
			return counter_by_index(kind, first + COUNTER_OF_SINK);
		}
	}
	counter = counter_by_index(kind, first);
	if (cpu->mask || !counter)
		return counter;
	charge_shared(kind, counter, ns, ctx, weight);
	return counter_by_index(kind, first + COUNTER_OF_SINK);
}

static __noinline struct counter *find_inline(struct slot *cpu, __u64 tag, __u64 ns, void *ctx)
{
	return find(INLINE, cpu, tag, ns, ctx, 1);
}

static __noinline struct counter *find_looked_up(struct slot *cpu, __u64 tag, __u64 ns, void *ctx, __u32 weight)
{
	return find(LOOKED_UP, cpu, tag, ns, ctx, weight);
}

static __noinline struct counter *find_whole_hook(struct slot *cpu, __u64 tag, __u64 ns, void *ctx, __u32 weight)
{
	return find(WHOLE_HOOK, cpu, tag, ns, ctx, weight);
}

static __noinline struct counter *find_legacy(struct slot *cpu, __u64 tag)
{
	return find(LEGACY, cpu, tag, 0, 0, 0);
}

/* The counter of a call, for its caller to charge. ns, ctx and weight are those of the call, see charge_shared. */
static __always_inline struct counter *counter_of(enum probe_kind kind, struct task_struct *task, void *regs,
						  struct slot *cpu, __u64 frame, __u64 ns, void *ctx, __u32 weight)
{
	__u32 mntns = mntns_of(kind, task);
	__u64 syscall = syscall_of(kind, task, regs, cpu, frame);
	__u64 tag = syscall << 32 | mntns;
	struct counter *counter = counter_at(kind, cpu, hash_of(mntns, syscall));

	if (kind != INLINE && !counter)
		return 0;
	if (likely(counter->tag == tag))
		return counter;
	if (kind == INLINE)
		return find_inline(cpu, tag, ns, ctx);
	if (kind == WHOLE_HOOK)
		return find_whole_hook(cpu, tag, ns, ctx, weight);
	if (kind == LEGACY)
		return find_legacy(cpu, tag);
	return find_looked_up(cpu, tag, ns, ctx, weight);
}

#endif
