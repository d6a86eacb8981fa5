/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* The current task, and the mount namespace that identifies its workload. */
#ifndef LSMPROF_TASK_H
#define LSMPROF_TASK_H

#include "kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define __relocated __attribute__((preserve_access_index))

struct ns_common {
	__u32 inum;
} __relocated;
struct mnt_namespace {
	struct ns_common ns;
} __relocated;
struct nsproxy {
	struct mnt_namespace *mnt_ns;
} __relocated;
struct task_struct {
	__u32 flags;
	void *stack;
	unsigned long nivcsw;
	struct nsproxy *nsproxy;
} __relocated;

/* What a probe is compiled for. Always a constant where functions are inlined, so that it costs nothing. Probes sit
 * on LSM programs, which tracing programs may since Linux 5.18 (tracer/scope.go), or on hooks. LEGACY probes do
 * without what 5.10 lacks: bpf_get_current_task_btf (5.11) and with it direct reads of the task, bpf_task_pt_regs
 * (5.15). */
enum probe_kind {
	LOOKED_UP, /* finds its counter with a map lookup */
	LEGACY, /* like LOOKED_UP, but on a hook, before Linux 5.18 */
	INLINE, /* has the counters of all CPUs in one map value, whose address is a constant */
	OUT_OF_LINE, /* like LOOKED_UP, but calls a function for all that skipped calls do not need */
	WHOLE_HOOK, /* like LOOKED_UP, but on a hook or another function of the kernel */
};

#define TASK(kind, task, field) ((kind) == LEGACY ? BPF_CORE_READ(task, field) : (task)->field)

static __always_inline struct task_struct *current_task(enum probe_kind kind)
{
	return kind == LEGACY ? (struct task_struct *)bpf_get_current_task()
			      : (struct task_struct *)bpf_get_current_task_btf();
}

static __always_inline __u32 mntns_of(enum probe_kind kind, struct task_struct *task)
{
	if (kind == LEGACY)
		return BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum);
	return task->nsproxy->mnt_ns->ns.inum;
}

#endif
