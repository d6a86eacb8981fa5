//go:build ignore

// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/* LSM programs that do nothing, for the calibration. They sit on hooks that a cheap syscall reaches (getpgid,
 * capget). Their cost is the dispatch, and what a probe reads on them is its bias. */
#include "types.h"
#include <bpf/bpf_helpers.h>

SEC("lsm/task_getpgid")
int lsmprof_empty(void *ctx)
{
	return 0;
}

/* task_getpgid allows no sleepable programs. */
SEC("lsm.s/capget")
int lsmprof_empty_sleepable(void *ctx)
{
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
