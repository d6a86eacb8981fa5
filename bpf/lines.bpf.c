//go:build ignore

// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/* Samples the inside of programs: a perf event interrupts the CPU at intervals, and the program here keeps the
 * addresses on the stack if one of them is in a measured program. It looks at the stack instead of the probes' slots,
 * so that it needs nothing from the probes: they pay nothing for it, and it works where no probe sits on a program
 * (before Linux 5.18). It is its own object. */
#include "control.h"
#include "slot.h"
#include "syscall.h"

#define FRAMES 127 /* the default of kernel.perf_event_max_stack */

/* The addresses of all measured programs are in [first, first + length). Other programs may be in it, too: user space
 * sorts them out. It changes both while the event is on, in any order: a sample may be lost or added. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64[2]);
} code SEC(".maps");

struct line_buffer {
	struct line_tally tally;
	__u64 used; /* frames up to the outermost one in a program */
	struct line_sample sample;
	__u64 frames[FRAMES];
};

/* One per CPU is enough: the kernel runs no program of a perf event inside another (bpf_prog_active). */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct line_buffer);
} line_buffers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} line_samples SEC(".maps");

struct pt_regs___x86sp {
	unsigned long orig_ax, sp;
} __relocated;
struct pt_regs___arm64sp {
	__u64 sp;
} __relocated;

/* The stack pointer of the interrupted code. The context begins with its registers. The verifier forbids arithmetic on
 * it, so both loads need a constant offset of their own. */
static __always_inline __u64 stack_pointer(void *ctx)
{
	__u64 sp;

	if (bpf_core_field_exists(struct pt_regs___x86sp, orig_ax)) {
		sp = ((struct pt_regs___x86sp *)ctx)->sp;
		barrier_var(sp);
	} else {
		sp = ((struct pt_regs___arm64sp *)ctx)->sp;
	}
	return sp;
}

/* Kernel addresses and lengths of code are below 1 << 63 apart. */
static __always_inline int sample_line(enum probe_kind kind, void *ctx)
{
	struct task_struct *task = current_task(kind);
	struct slot *cpu = cpu_slot();
	struct line_buffer *b;
	__u64 *range, used, first, length;
	__u32 zero = 0;
	long n;

	if (off || filtered_out(kind, mode_of_all, task))
		return 0;
	b = bpf_map_lookup_elem(&line_buffers, &zero);
	range = bpf_map_lookup_elem(&code, &zero);
	if (!b || !range)
		return 0;
	b->tally.seen++;
	n = bpf_get_stack(ctx, b->frames, sizeof(b->frames), 0);
	if (n <= 0) {
		b->tally.unknown++;
		return 0;
	}
	first = range[0];
	length = range[1];
	used = 0;
	for (__u32 i = 0; i < FRAMES; i++) {
		__u64 offset, inside;

		if (i * 8 >= n)
			break;
		/* offset < length without a branch: the verifier would follow both ways of all of them. */
		offset = b->frames[i] - first;
		inside = ((offset - length) & ~offset) >> 63;
		barrier_var(inside);
		used += (i + 1 - used) & -inside;
	}
	b->used = used; /* in memory, so that the verifier forgets in how many ways it got here */
	used = *(volatile __u64 *)&b->used;
	if (!used || used > FRAMES)
		return 0;
	b->sample.time = bpf_ktime_get_ns();
	b->sample.mntns = mntns_of(kind, task);
	b->sample.syscall = syscall_of(kind, task, regs_of(kind, task), cpu, stack_pointer(ctx));
	b->sample.bytes = used * 8;
	bpf_get_current_comm(b->sample.comm, sizeof(b->sample.comm));
	if (bpf_perf_event_output(ctx, &line_samples, BPF_F_CURRENT_CPU, &b->sample, sizeof(b->sample) + used * 8))
		b->tally.lost++;
	else
		b->tally.sent++;
	return 0;
}

SEC("perf_event")
int line_sampler(void *ctx)
{
	return sample_line(LOOKED_UP, ctx);
}

/* Before Linux 5.18. */
SEC("perf_event")
int line_sampler_legacy(void *ctx)
{
	return sample_line(LEGACY, ctx);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
