//go:build ignore

// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/* An LSM program that does nothing, on a hook that a cheap syscall reaches (getpgid): what it costs is dispatch, what a probe
 * reads on it is bias. */
#include "types.h"
#include <bpf/bpf_helpers.h>

SEC("lsm/task_getpgid")
int lsmprof_empty(void *ctx)
{
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
