/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* What user space controls while the probes are attached: whether they record, and which calls they skip. */
#ifndef LSMPROF_CONTROL_H
#define LSMPROF_CONTROL_H

#include "types.h"
#include "task.h"

#define FILTER_SLOTS 4096

/* MODE_* of this recording, for probes that are not compiled for one mode. User space sets it before the load. */
const volatile __u32 mode_of_all;

/* One map, shared by the probes of all targets. Without an initializer a compiler may place a variable where it is
 * first used, and the objects would disagree. */
volatile __u32 off SEC(".data.control") = 1; /* until every target is attached */
volatile __u32 sample_of SEC(".data.control") = 0;
volatile __u64 comm_allowed[2] SEC(".data.control") = {};
/* Tables of keys. A key has two neighbouring places, which one load reads. */
volatile __u32 mntns_allowed[FILTER_SLOTS] SEC(".data.control") __attribute__((aligned(8))) = {};
volatile __u32 pids_allowed[FILTER_SLOTS] SEC(".data.control") __attribute__((aligned(8))) = {};

static __always_inline int in_table(volatile __u32 *table, __u32 key)
{
	/* An offset in bytes saves an instruction over an index. */
	__u64 place = ((__u64)key << 3) & ((FILTER_SLOTS / 2 - 1) << 3);
	__u64 both = *(volatile __u64 *)((volatile char *)table + place);

	return (__u32)both == key || both >> 32 == key;
}

static __always_inline int filtered_out(enum probe_kind kind, __u32 mode, struct task_struct *task)
{
	if (mode & MODE_MNTNS && !in_table(mntns_allowed, mntns_of(kind, task)))
		return 1;
	if (mode & MODE_PID && !in_table(pids_allowed, bpf_get_current_pid_tgid() >> 32))
		return 1;
	if (mode & MODE_COMM) {
		__u64 comm[2] = {};

		bpf_get_current_comm(comm, sizeof(comm));
		if (comm[0] != comm_allowed[0] || comm[1] != comm_allowed[1])
			return 1;
	}
	return 0;
}

/* Reports whether sampling skips this call, and draws the length of the next gap when it does not. Gaps are random,
 * one_of - 1 on average: a fixed stride would hit the same call of a loop over and over. The generator is an
 * xorshift because bpf_get_prandom_u32 costs more than the rest of the probe. */
static __always_inline int draw_skip(struct slot *cpu, const volatile __u32 *one_of)
{
	__u32 x;

	if (cpu->skip) {
		cpu->skip--;
		return 1;
	}
	x = cpu->random;
	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	cpu->random = x;
	cpu->skip = (__u64)x * (2 * *one_of - 1) >> 32;
	return 0;
}

static __always_inline int sampling_skips(struct slot *cpu)
{
	return draw_skip(cpu, &sample_of);
}

#endif
