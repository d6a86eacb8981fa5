//go:build ignore

// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/* Times every invocation of one target: an LSM program or, before Linux 5.18, a whole hook (bpf_lsm_*). One copy of this object
 * is loaded per target, so what depends on the target is constant in .rodata and the verifier removes the rest. */
#include "cells.h"
#include "enter.h"
#include "return.h"
#include "slot.h"

/* An invocation without a reading: the slot was used by another one in between, the task was switched out, or the entry was
 * not recorded. It is counted, unless the entry would have left it out. */
static __always_inline int untimed(int legacy, int quick, __u32 mode, void *ctx, struct slot *home, __u32 stands_for)
{
	struct task_struct *task = current_task(legacy);
	struct cell *cell;

	if (!home || off || excluded(legacy, mode, task))
		return 0;
	cell = cell_of(legacy, quick, task, regs_of(legacy, task), home, number(home, ctx));
	if (!cell)
		return 0;
	cell->preempted += stands_for;
	if (denied(legacy, ctx))
		cell->denials += stands_for;
	return 0;
}

static __noinline int untimed_quick(void *ctx, struct slot *home, __u32 stands_for)
{
	return untimed(0, 1, 0, ctx, home, stands_for);
}

static __noinline int untimed_any(int legacy, void *ctx, struct slot *home, __u32 stands_for)
{
	return untimed(legacy, 0, mode_of_all, ctx, home, stands_for);
}

static __always_inline int lost(int legacy, int quick, void *ctx, struct slot *home, __u32 stands_for)
{
	return quick ? untimed_quick(ctx, home, stands_for) : untimed_any(legacy, ctx, home, stands_for);
}

/* Charges a reading. The helpers are called first: what the compiler keeps across a call it spills. */
static __always_inline int charge(int legacy, int quick, __u32 mode, void *ctx, struct slot *slot, struct slot *home,
				  __u64 frame, __u64 ns)
{
	struct task_struct *task = current_task(legacy);
	void *regs = regs_of(legacy, task);
	__u32 weight = quick ? 1 : sample_of;
	struct cell *cell;
	__u32 b;

	if (mode & MODE_PREEMPTIBLE && slot->switches != TASK(legacy, task, nivcsw))
		return lost(legacy, quick, ctx, home, weight);
	cell = cell_of(legacy, quick, task, regs, home, frame);
	if (!cell)
		return 0;
	if (unlikely(denied(legacy, ctx)))
		cell->denials += weight;
	b = bucket(ns);
	cell->sum += ns;
	if (b < BUCKETS)
		cell->readings[b]++;
	return 0;
}

/* Looks the slot up again, and reads the clock: what its caller keeps across calls is pushed and popped by the invocations that are
 * left out, too. */
static __noinline int charge_any(void *ctx, __u64 start)
{
	__u64 ns = bpf_ktime_get_ns() - start;
	struct slot *home = home_slot();

	return charge(0, 0, mode_of_all, ctx, home, home, number(home, ctx), ns);
}

enum exit_kind { QUICK = 1, APART = 2 }; /* APART: what is left out has an exit of few registers */

static __always_inline int leave(int legacy, int kind, __u32 mode, void *ctx, struct slot *slot, struct slot *home)
{
	__u64 start, frame, ns;

	if (!slot)
		return lost(legacy, kind & QUICK, ctx, home, 1);
	/* The start before the frame: an invocation that interrupts here leaves another frame. */
	start = *(volatile __u64 *)&slot->start;
	frame = *(volatile __u64 *)&slot->frame;
	/* Always: a start that stays behind could meet an exit whose entry was missed. */
	slot->frame = 0;
	if (unlikely(frame != (__u64)ctx))
		return lost(legacy, kind & QUICK, ctx, home, 1);
	if (!(kind & QUICK) && start == LEFT_OUT)
		return 0;
	if (kind & APART)
		return charge_any(ctx, start);
	ns = bpf_ktime_get_ns() - start;
	barrier_var(ns);
	return charge(legacy, kind & QUICK, mode, ctx, slot, home, frame, ns);
}

/* A pair made for one mode, and for cells in one map value: nothing is looked up and nothing asked that the mode has answered. */
#define QUICK_PAIR(name, mode)                                 \
	SEC("fentry")                                          \
	int probe_enter_##name(void *ctx)                      \
	{                                                      \
		struct slot *home = home_slot();               \
                                                               \
		return begin(0, mode, ctx, home);              \
	}                                                      \
	SEC("fexit")                                           \
	int probe_exit_##name(void *ctx)                       \
	{                                                      \
		struct slot *home = home_slot();               \
                                                               \
		return leave(0, QUICK, mode, ctx, home, home); \
	}

QUICK_PAIR(quick, 0)
QUICK_PAIR(quick_preemptible, MODE_PREEMPTIBLE)

/* Entries that leave invocations out keep nothing across a call but the context: what they do not push they need not pop. */
static __noinline int begin_any(void *ctx)
{
	struct slot *home = home_slot();

	return begin(0, mode_of_all, ctx, home);
}

static __noinline int excluded_any(void)
{
	return excluded(0, mode_of_all, current_task(0));
}

/* For the filter that is used most. */
SEC("fentry")
int probe_enter_mntns(void *ctx)
{
	if (!excluded(0, MODE_MNTNS, current_task(0)))
		return begin_any(ctx);
	return leave_out(ctx, home_slot());
}

SEC("fentry")
int probe_enter_sample(void *ctx)
{
	struct slot *home = home_slot();

	if (!left_out(home))
		return begin_any(ctx);
	return leave_out(ctx, home);
}

/* For the rest: with other filters, with filters and sampling, with more cells than fit into a map value. */
SEC("fentry")
int probe_enter(void *ctx)
{
	if (!(mode_of_all & MODE_SAMPLE && left_out(home_slot())) && !excluded_any())
		return begin_any(ctx);
	return leave_out(ctx, home_slot());
}

SEC("fexit")
int probe_exit(void *ctx)
{
	struct slot *home = home_slot();

	return leave(0, APART, 0, ctx, home, home);
}

SEC("fentry")
int probe_enter_sleepable(void *ctx)
{
	if (off)
		return 0;
	return enter(0, mode_of_all, ctx,
		     bpf_task_storage_get(&task_slots, bpf_get_current_task_btf(), 0, BPF_LOCAL_STORAGE_GET_F_CREATE),
		     home_slot());
}

SEC("fexit")
int probe_exit_sleepable(void *ctx)
{
	return leave(0, 0, mode_of_all, ctx, bpf_task_storage_get(&task_slots, bpf_get_current_task_btf(), 0, 0),
		     home_slot());
}

SEC("fentry")
int probe_enter_legacy(void *ctx)
{
	struct slot *home = home_slot();

	return enter(1, mode_of_all, ctx, home, home);
}

SEC("fexit")
int probe_exit_legacy(void *ctx)
{
	struct slot *home = home_slot();

	return leave(1, 0, mode_of_all, ctx, home, home);
}

/* Keeps the enums in the object's BTF, for bpf2go. */
enum syscall_kind *_syscall_kind __attribute__((unused));
enum no_syscall *_no_syscall __attribute__((unused));
enum mode *_mode __attribute__((unused));

char LICENSE[] SEC("license") = "Dual BSD/GPL";
