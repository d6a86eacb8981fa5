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
static __noinline int untimed(int legacy, void *ctx, struct slot *home, __u32 stands_for)
{
	struct task_struct *task = current_task(legacy);
	__u32 mode = probing;
	struct cell *cell;

	if (!home || mode & MODE_OFF || excluded(legacy, mode, task))
		return 0;
	cell = cell_of(legacy, task, regs_of(legacy, task), home, number(home, ctx));
	if (!cell)
		return 0;
	cell->preempted += stands_for;
	if (denied(legacy, ctx))
		cell->denials += stands_for;
	return 0;
}

/* The helpers are called first: what the compiler keeps across a call it spills. */
static __always_inline int leave(int legacy, void *ctx, struct slot *slot, struct slot *home)
{
	struct task_struct *task;
	struct cell *cell;
	__u64 frame, ns;
	void *regs;
	__u32 b;

	if (!slot)
		return untimed(legacy, ctx, home, 1);
	frame = slot->frame;
	/* Always: a start that stays behind could meet an exit whose entry was missed. */
	slot->frame = 0;
	if (unlikely(frame != (__u64)ctx))
		return number(home, ctx) == ~frame ? 0 : untimed(legacy, ctx, home, 1);
	ns = bpf_ktime_get_ns() - slot->start;
	task = current_task(legacy);
	regs = regs_of(legacy, task);
	if (slot->switches && slot->switches != TASK(legacy, task, nivcsw) + 1)
		return untimed(legacy, ctx, home, sample_of);

	cell = cell_of(legacy, task, regs, home, frame);
	if (!cell)
		return 0;
	if (unlikely(denied(legacy, ctx)))
		cell->denials += sample_of;
	b = bucket(ns);
	cell->sum += ns;
	if (b < BUCKETS)
		cell->readings[b]++;
	return 0;
}

SEC("fentry")
int probe_enter(void *ctx)
{
	struct slot *home = home_slot();

	return enter(0, ctx, home, home);
}

SEC("fexit")
int probe_exit(void *ctx)
{
	struct slot *home = home_slot();

	return leave(0, ctx, home, home);
}

SEC("fentry")
int probe_enter_sleepable(void *ctx)
{
	if (!probing)
		return 0;
	return enter(0, ctx,
		     bpf_task_storage_get(&task_slots, bpf_get_current_task_btf(), 0, BPF_LOCAL_STORAGE_GET_F_CREATE),
		     home_slot());
}

SEC("fexit")
int probe_exit_sleepable(void *ctx)
{
	return leave(0, ctx, bpf_task_storage_get(&task_slots, bpf_get_current_task_btf(), 0, 0), home_slot());
}

SEC("fentry")
int probe_enter_legacy(void *ctx)
{
	struct slot *home = home_slot();

	return enter(1, ctx, home, home);
}

SEC("fexit")
int probe_exit_legacy(void *ctx)
{
	struct slot *home = home_slot();

	return leave(1, ctx, home, home);
}

/* Keeps the enums in the object's BTF, for bpf2go. */
enum syscall_kind *_syscall_kind __attribute__((unused));
enum no_syscall *_no_syscall __attribute__((unused));
enum mode *_mode __attribute__((unused));

char LICENSE[] SEC("license") = "Dual BSD/GPL";
