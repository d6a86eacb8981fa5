//go:build ignore

// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/* Times every call of one target: an LSM program or, before Linux 5.18, a whole hook (bpf_lsm_*). User space loads
 * one copy of this object per target. What depends on the target is constant in .rodata, and the verifier removes
 * dead code.
 *
 * README.md describes the life of a call. The instructions on its way are counted (TestIcountOverheadDoesNotGrow),
 * which is why some code here looks longer than it need be. */
#include "counters.h"
#include "entry.h"
#include "exit.h"
#include "slot.h"

/* A call without a reading: another call used the slot in between, the task was switched out, or the entry was
 * missed. It is counted unless the entry probe would have skipped it. */
static __always_inline int untimed(enum probe_kind kind, __u32 mode, void *ctx, struct slot *cpu, __u32 weight)
{
	struct task_struct *task = current_task(kind);
	struct counter *counter;

	if (!cpu || off || filtered_out(kind, mode, task))
		return 0;
	counter =
		counter_of(kind, task, regs_of(kind, task), cpu, pointer_as_scalar(cpu, ctx), NO_READING, ctx, weight);
	if (!counter)
		return 0;
	counter->preempted += weight;
	if (denied(kind, ctx))
		counter->denials += weight;
	return 0;
}

static __noinline int untimed_inline(void *ctx, struct slot *cpu, __u32 weight)
{
	return untimed(INLINE, 0, ctx, cpu, weight);
}

static __noinline int untimed_generic(void *ctx, struct slot *cpu, __u32 weight)
{
	return untimed(LOOKED_UP, mode_of_all, ctx, cpu, weight);
}

/* A function of its own: the kernel refuses the others' atomic instructions even where they are dead code. */
static __noinline int untimed_legacy(void *ctx, struct slot *cpu, __u32 weight)
{
	return untimed(LEGACY, mode_of_all, ctx, cpu, weight);
}

static __always_inline int count_untimed(enum probe_kind kind, void *ctx, struct slot *cpu, __u32 weight)
{
	if (kind == INLINE)
		return untimed_inline(ctx, cpu, weight);
	if (kind == WHOLE_HOOK)
		return untimed(WHOLE_HOOK, mode_of_all, ctx, cpu, weight);
	if (kind == LEGACY)
		return untimed_legacy(ctx, cpu, weight);
	return untimed_generic(ctx, cpu, weight);
}

/* Charges a reading to its counter. Calls the helpers first: the compiler spills what it keeps across a call. */
static __always_inline int charge(enum probe_kind kind, __u32 mode, void *ctx, struct slot *slot, struct slot *cpu,
				  __u64 frame, __u64 ns)
{
	struct task_struct *task = current_task(kind);
	void *regs = regs_of(kind, task);
	__u32 weight = kind == INLINE ? 1 : sample_of;
	struct counter *counter;
	__u32 b;

	if (mode & MODE_PREEMPTIBLE && slot->switches != TASK(kind, task, nivcsw))
		return count_untimed(kind, ctx, cpu, weight);
	counter = counter_of(kind, task, regs, cpu, frame, ns, ctx, weight);
	if (!counter)
		return 0;
	if (unlikely(denied(kind, ctx)))
		counter->denials += weight;
	b = bucket(ns);
	counter->sum += ns;
	if (b < BUCKETS)
		counter->readings[b]++;
	return 0;
}

/* Re-reads slot and clock itself, so that its caller keeps nothing live across the call. Otherwise skipped calls
 * would pay for the spills too. */
static __noinline int charge_out_of_line(void *ctx, __u64 start)
{
	__u64 ns = bpf_ktime_get_ns() - start;
	struct slot *cpu = cpu_slot();

	return charge(LOOKED_UP, mode_of_all, ctx, cpu, cpu, pointer_as_scalar(cpu, ctx), ns);
}

static __always_inline int on_exit(enum probe_kind kind, __u32 mode, void *ctx, struct slot *slot, struct slot *cpu)
{
	__u64 start, frame, ns;

	if (!slot)
		return count_untimed(kind, ctx, cpu, 1);
	frame = take_start(slot, &start);
	if (unlikely(frame != (__u64)ctx))
		return count_untimed(kind, ctx, cpu, 1);
	if (kind != INLINE && start == SKIPPED)
		return 0;
	if (kind == OUT_OF_LINE)
		return charge_out_of_line(ctx, start);
	ns = bpf_ktime_get_ns() - start;
	barrier_var(ns);
	return charge(kind, mode, ctx, slot, cpu, frame, ns);
}

/* A pair for one mode: its counters need no lookup, and it skips no call. */
#define INLINE_PAIR(name, mode)                              \
	SEC("fentry")                                        \
	int probe_enter_##name(void *ctx)                    \
	{                                                    \
		struct slot *cpu = cpu_slot();               \
                                                             \
		return record_start(INLINE, mode, ctx, cpu); \
	}                                                    \
	SEC("fexit")                                         \
	int probe_exit_##name(void *ctx)                     \
	{                                                    \
		struct slot *cpu = cpu_slot();               \
                                                             \
		return on_exit(INLINE, mode, ctx, cpu, cpu); \
	}

INLINE_PAIR(inline, 0)
INLINE_PAIR(inline_preemptible, MODE_PREEMPTIBLE)

/* Entries that skip calls keep nothing but the context across a function call, so that they push and pop no further
 * register. That is why their two parts are functions. */
static __noinline int record_start_generic(void *ctx)
{
	struct slot *cpu = cpu_slot();

	return record_start(OUT_OF_LINE, mode_of_all, ctx, cpu);
}

static __noinline int filtered_out_generic(void)
{
	return filtered_out(OUT_OF_LINE, mode_of_all, current_task(OUT_OF_LINE));
}

/* Only for MODE_MNTNS, the filter that is used most. */
SEC("fentry")
int probe_enter_mntns(void *ctx)
{
	if (!filtered_out(OUT_OF_LINE, MODE_MNTNS, current_task(OUT_OF_LINE)))
		return record_start_generic(ctx);
	return mark_skipped(ctx, cpu_slot());
}

/* Only for MODE_SAMPLE. */
SEC("fentry")
int probe_enter_sample(void *ctx)
{
	struct slot *cpu = cpu_slot();

	if (!sampling_skips(cpu))
		return record_start_generic(ctx);
	return mark_skipped(ctx, cpu);
}

/* For all other modes, and for more counters than the kernel takes in a map value. */
SEC("fentry")
int probe_enter(void *ctx)
{
	if (!(mode_of_all & MODE_SAMPLE && sampling_skips(cpu_slot())) && !filtered_out_generic())
		return record_start_generic(ctx);
	return mark_skipped(ctx, cpu_slot());
}

SEC("fexit")
int probe_exit(void *ctx)
{
	struct slot *cpu = cpu_slot();

	return on_exit(OUT_OF_LINE, 0, ctx, cpu, cpu);
}

/* For hooks with programs that refuse to be opened, and for functions of the kernel. */
SEC("fexit")
int probe_exit_hook(void *ctx)
{
	struct slot *cpu = cpu_slot();

	return on_exit(WHOLE_HOOK, mode_of_all, ctx, cpu, cpu);
}

SLEEPABLE_ENTRY(probe_enter_sleepable)

SEC("fexit")
int probe_exit_sleepable(void *ctx)
{
	return on_exit(LOOKED_UP, mode_of_all, ctx, task_slot(), cpu_slot());
}

LEGACY_ENTRY(probe_enter_legacy)

SEC("fexit")
int probe_exit_legacy(void *ctx)
{
	struct slot *cpu = cpu_slot();

	return on_exit(LEGACY, mode_of_all, ctx, cpu, cpu);
}

/* Keep the enums in the object's BTF, for bpf2go. */
enum syscall_kind *_syscall_kind __attribute__((unused));
enum no_syscall *_no_syscall __attribute__((unused));
enum mode *_mode __attribute__((unused));
enum special_counter *_special_counter __attribute__((unused));
enum patched_immediate *_patched_immediate __attribute__((unused));

char LICENSE[] SEC("license") = "Dual BSD/GPL";
