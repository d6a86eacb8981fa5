//go:build ignore

// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/* Emits an event for each call of one target, which probe.bpf.c only counts. It is its own object so that
 * counting does not cost more. What depends on the target or on the options is constant in .rodata. */
#include "entry.h"
#include "events.h"
#include "exit.h"
#include "slot.h"

/* User space sets these before the load. */
const volatile __u64 slower_than; /* drop calls with a reading below, ns */
const volatile __u8 only_denied;
const volatile __u32 stack_of_each; /* N: emit the stack of one in N calls */

/* A call without a reading, see probe.bpf.c. It is dropped if only slow calls are wanted, because its time is
 * unknown. */
static __noinline int untimed(enum probe_kind kind, void *ctx, struct slot *cpu)
{
	int ret;

	if (!cpu || slower_than || off || filtered_out(kind, mode_of_all, current_task(kind)))
		return 0;
	ret = denied(kind, ctx);
	if (only_denied && !ret)
		return 0;
	return emit(kind, ctx, cpu, bpf_ktime_get_ns(), NO_READING, ret);
}

static __always_inline int on_exit(enum probe_kind kind, void *ctx, struct slot *slot, struct slot *cpu)
{
	struct task_struct *task;
	__u64 start, ns;
	int ret;

	if (!slot)
		return untimed(kind, ctx, cpu);
	if (unlikely(take_start(slot, &start) != (__u64)ctx))
		return untimed(kind, ctx, cpu);
	if (start == SKIPPED)
		return 0;
	ns = bpf_ktime_get_ns() - start;
	barrier_var(ns);
	task = current_task(kind);
	if (mode_of_all & MODE_PREEMPTIBLE && slot->switches != TASK(kind, task, nivcsw))
		return untimed(kind, ctx, cpu);
	if (ns < slower_than)
		return 0;
	ret = denied(kind, ctx);
	if (only_denied && !ret)
		return 0;
	return emit(kind, ctx, cpu, start, ns, ret);
}

SEC("fentry")
int trace_enter(void *ctx)
{
	struct slot *cpu = cpu_slot();

	return on_entry(LOOKED_UP, mode_of_all, ctx, cpu, cpu);
}

SEC("fexit")
int trace_exit(void *ctx)
{
	struct slot *cpu = cpu_slot();

	return on_exit(LOOKED_UP, ctx, cpu, cpu);
}

/* For functions of the kernel. */
SEC("fexit")
int trace_exit_function(void *ctx)
{
	struct slot *cpu = cpu_slot();

	return on_exit(WHOLE_HOOK, ctx, cpu, cpu);
}

SLEEPABLE_ENTRY(trace_enter_sleepable)

SEC("fexit")
int trace_exit_sleepable(void *ctx)
{
	return on_exit(LOOKED_UP, ctx, task_slot(), cpu_slot());
}

LEGACY_ENTRY(trace_enter_legacy)

SEC("fexit")
int trace_exit_legacy(void *ctx)
{
	struct slot *cpu = cpu_slot();

	return on_exit(LEGACY, ctx, cpu, cpu);
}

/* Emits the stack of a call now and then, next to the probes that count. */
static __always_inline int sample_stack(enum probe_kind kind, void *ctx)
{
	struct slot *cpu = cpu_slot();

	if (off || draw_skip(cpu, &stack_of_each) || filtered_out(kind, mode_of_all, current_task(kind)))
		return 0;
	return emit(kind, ctx, cpu, bpf_ktime_get_ns(), NO_READING, 0);
}

SEC("fentry")
int stack_sample(void *ctx)
{
	return sample_stack(LOOKED_UP, ctx);
}

SEC("fentry")
int stack_sample_function(void *ctx)
{
	return sample_stack(WHOLE_HOOK, ctx);
}

SEC("fentry")
int stack_sample_legacy(void *ctx)
{
	return sample_stack(LEGACY, ctx);
}

/* Keeps the enum in the object's BTF, for bpf2go. */
enum subject *_subject __attribute__((unused));

char LICENSE[] SEC("license") = "Dual BSD/GPL";
