/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* The task that runs, and the mount namespace that its workload is known by. */
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

/* Probes come in two kinds, told apart at compile time. Program probes (5.18, see tracer/scope.go) load the fields of a task
 * directly. Legacy probes sit on the hook and do without what 5.10 lacks: bpf_get_current_task_btf (5.11), bpf_task_pt_regs
 * (5.15), bpf_get_func_ret (5.17). */
#define TASK(legacy, task, field) ((legacy) ? BPF_CORE_READ(task, field) : (task)->field)

static __always_inline struct task_struct *current_task(int legacy)
{
	return legacy ? (struct task_struct *)bpf_get_current_task() : (struct task_struct *)bpf_get_current_task_btf();
}

static __always_inline __u32 mntns_of(int legacy, struct task_struct *task)
{
	if (legacy)
		return BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum);
	return task->nsproxy->mnt_ns->ns.inum;
}

#endif
