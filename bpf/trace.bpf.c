//go:build ignore

// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/* Tells of single invocations of one target, as they happen: which probe.bpf.c only counts. An object of its own, so that counting
 * costs nothing more. What depends on the target or on the flags is constant in .rodata. */
#include "enter.h"
#include "events.h"
#include "return.h"
#include "slot.h"

/* Set before the load. */
const volatile __u64 slower_than; /* readings below, ns, are left out */
const volatile __u8 only_denied;
const volatile __u32 stack_of_each; /* one of so many invocations gives its stack */

/* An invocation without a reading, see probe.bpf.c: how slow it was is not known. */
static __noinline int untimed(int legacy, void *ctx, struct slot *home)
{
	int ret;

	if (!home || slower_than || off || excluded(legacy, mode_of_all, current_task(legacy)))
		return 0;
	ret = denied(legacy, ctx);
	if (only_denied && !ret)
		return 0;
	return report(legacy, ctx, home, bpf_ktime_get_ns(), NO_READING, ret);
}

/* Up to the reading like leave() of probe.bpf.c: what is calibrated with that holds here. */
static __always_inline int leave(int legacy, void *ctx, struct slot *slot, struct slot *home)
{
	struct task_struct *task;
	__u64 frame, start, ns;
	int ret;

	if (!slot)
		return untimed(legacy, ctx, home);
	start = *(volatile __u64 *)&slot->start;
	frame = *(volatile __u64 *)&slot->frame;
	slot->frame = 0;
	if (unlikely(frame != (__u64)ctx))
		return untimed(legacy, ctx, home);
	if (start == LEFT_OUT)
		return 0;
	ns = bpf_ktime_get_ns() - start;
	barrier_var(ns);
	task = current_task(legacy);
	if (mode_of_all & MODE_PREEMPTIBLE && slot->switches != TASK(legacy, task, nivcsw))
		return untimed(legacy, ctx, home);
	if (ns < slower_than)
		return 0;
	ret = denied(legacy, ctx);
	if (only_denied && !ret)
		return 0;
	return report(legacy, ctx, home, start, ns, ret);
}

SEC("fentry")
int trace_enter(void *ctx)
{
	struct slot *home = home_slot();

	return enter(0, mode_of_all, ctx, home, home);
}

SEC("fexit")
int trace_exit(void *ctx)
{
	struct slot *home = home_slot();

	return leave(0, ctx, home, home);
}

SEC("fentry")
int trace_enter_sleepable(void *ctx)
{
	if (off)
		return 0;
	return enter(0, mode_of_all, ctx,
		     bpf_task_storage_get(&task_slots, bpf_get_current_task_btf(), 0, BPF_LOCAL_STORAGE_GET_F_CREATE),
		     home_slot());
}

SEC("fexit")
int trace_exit_sleepable(void *ctx)
{
	return leave(0, ctx, bpf_task_storage_get(&task_slots, bpf_get_current_task_btf(), 0, 0), home_slot());
}

SEC("fentry")
int trace_enter_legacy(void *ctx)
{
	struct slot *home = home_slot();

	return enter(1, mode_of_all, ctx, home, home);
}

SEC("fexit")
int trace_exit_legacy(void *ctx)
{
	struct slot *home = home_slot();

	return leave(1, ctx, home, home);
}

/* The stack of an invocation now and then, beside the probes that count. */
static __always_inline int sample(int legacy, void *ctx)
{
	struct slot *home = home_slot();

	if (off || skipped(home, &stack_of_each) || excluded(legacy, mode_of_all, current_task(legacy)))
		return 0;
	return report(legacy, ctx, home, bpf_ktime_get_ns(), NO_READING, 0);
}

SEC("fentry")
int stack_sample(void *ctx)
{
	return sample(0, ctx);
}

SEC("fentry")
int stack_sample_legacy(void *ctx)
{
	return sample(1, ctx);
}

/* Keeps the enum in the object's BTF, for bpf2go. */
enum subject *_subject __attribute__((unused));

char LICENSE[] SEC("license") = "Dual BSD/GPL";
