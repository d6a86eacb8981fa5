/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* What user space switches: whether to record, and what to leave out. */
#ifndef LSMPROF_CONTROL_H
#define LSMPROF_CONTROL_H

#include "types.h"
#include "task.h"

#define FILTER_SLOTS 4096

/* MODE_* of this recording, for the probes that are not made for one mode; set before the load. */
const volatile __u32 mode_of_all;

/* One map for all targets. */
volatile __u32 off SEC(".data.control") = 1; /* until every target is attached */
volatile __u32 sample_of SEC(".data.control");
volatile __u64 comm_allowed[2] SEC(".data.control");
/* Two places for every key, read at once. */
volatile __u32 mntns_allowed[FILTER_SLOTS] SEC(".data.control") __attribute__((aligned(8)));
volatile __u32 pids_allowed[FILTER_SLOTS] SEC(".data.control") __attribute__((aligned(8)));

static __always_inline int in_table(volatile __u32 *table, __u32 key)
{
	__u64 place =
		((__u64)key << 3) & ((FILTER_SLOTS / 2 - 1) << 3); /* in bytes: one instruction less than an index */
	__u64 both = *(volatile __u64 *)((volatile char *)table + place);

	return (__u32)both == key || both >> 32 == key;
}

static __always_inline int excluded(int legacy, __u32 mode, struct task_struct *task)
{
	if (mode & MODE_MNTNS && !in_table(mntns_allowed, mntns_of(legacy, task)))
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

/* Whether this invocation is one of those left out. The gaps are random, of *one_of - 1 on average: a fixed stride would
 * meet the same call of a loop over and over. Xorshift, as bpf_get_prandom_u32 costs more than all the rest. */
static __always_inline int skipped(struct slot *home, const volatile __u32 *one_of)
{
	__u32 x;

	if (home->skip) {
		home->skip--;
		return 1;
	}
	x = home->random;
	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	home->random = x;
	home->skip = (__u64)x * (2 * *one_of - 1) >> 32;
	return 0;
}

static __always_inline int left_out(struct slot *home)
{
	return skipped(home, &sample_of);
}

#endif
