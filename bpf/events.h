/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Writes events to the ring of this CPU. If the ring is full the event is dropped and counted as lost: no task ever
 * waits. */
#ifndef LSMPROF_EVENTS_H
#define LSMPROF_EVENTS_H

#include "subject.h"
#include "control.h"
#include "syscall.h"

#define STACK_FRAMES 127 /* the default of kernel.perf_event_max_stack */
#define STACK_BYTES (8 * STACK_FRAMES)

/* User space sets these before the load. */
const volatile __u32 probe; /* number of this pair */
const volatile __u32 self; /* lsmprof's own process, which would emit an event for each that it reads */
const volatile __u8 kernel_stacks, user_stacks;
const volatile __u8 only_syscalls; /* drop calls in other syscalls than those of the table */
#define SYSCALL_GIVEN (1U << 16) /* set in every key: 0 is a syscall, but no key */
const volatile __u32 syscalls_allowed[FILTER_SLOTS] __attribute__((aligned(8)));

struct event_buffer {
	struct event event;
	__u8 payload[ABOUT_BYTES + 2 * STACK_BYTES];
	struct walk walk;
};

/* One buffer per CPU is enough: the kernel does not let a program recur on a CPU, even where it can be preempted. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct event_buffer);
} buffer SEC(".maps");

/* The rings and the tallies of the CPUs: one map each for all probes. */
struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tally);
} tallies SEC(".maps");

static __always_inline int stack_of(void *ctx, __u8 *out, __u64 flags)
{
	long n = bpf_get_stack(ctx, out, STACK_BYTES, flags);

	return n > 0 && n <= STACK_BYTES ? n : 0;
}

/* Completes the event and sends it, unless a filter drops it. */
static __noinline int send(enum probe_kind kind, void *ctx, struct slot *cpu, struct event_buffer *b)
{
	struct task_struct *task = current_task(kind);
	__u64 id = bpf_get_current_pid_tgid();
	__u32 cpu_number = bpf_get_smp_processor_id();
	struct tally *tally;
	__u64 used;

	if (!cpu || !b || id >> 32 == self)
		return 0;
	b->event.syscall = syscall_of(kind, task, regs_of(kind, task), cpu, pointer_as_scalar(cpu, ctx));
	if (only_syscalls && !in_table((volatile __u32 *)syscalls_allowed, b->event.syscall | SYSCALL_GIVEN))
		return 0;
	b->event.probe = probe;
	b->event.mntns = mntns_of(kind, task);
	b->event.tgid = id >> 32;
	b->event.pid = id;
	bpf_get_current_comm(b->event.comm, sizeof(b->event.comm));

	used = b->event.about = write_subject(kind, ctx, &b->walk, b->payload);
	b->event.kernel_stack = 0;
	b->event.user_stack = 0;
	if (kernel_stacks) {
		if (used > ABOUT_BYTES)
			return 0;
		used += b->event.kernel_stack = stack_of(ctx, &b->payload[used], 0);
	}
	if (user_stacks) {
		if (used > ABOUT_BYTES + STACK_BYTES)
			return 0;
		used += b->event.user_stack = stack_of(ctx, &b->payload[used], BPF_F_USER_STACK);
	}
	if (used > sizeof(b->payload))
		return 0;
	tally = bpf_map_lookup_elem(&tallies, &cpu_number);
	if (!tally)
		return 0;
	if (bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, b, sizeof(b->event) + used))
		__sync_fetch_and_add(&tally->lost, 1);
	else
		__sync_fetch_and_add(&tally->sent, 1);
	return 0;
}

static __always_inline int emit(enum probe_kind kind, void *ctx, struct slot *cpu, __u64 start, __u64 reading, int ret)
{
	struct event_buffer *b;
	__u32 zero = 0;

	b = bpf_map_lookup_elem(&buffer, &zero);
	if (!b)
		return 0;
	b->event.start = start;
	b->event.reading = reading;
	b->event.ret = ret;
	return send(kind, ctx, cpu, b);
}

#endif
