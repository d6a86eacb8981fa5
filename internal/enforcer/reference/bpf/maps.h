/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* The rules of each mount namespace, and how the hooks walk them. */
#ifndef LSMPROF_REF_MAPS_H
#define LSMPROF_REF_MAPS_H

#include "rules.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#include "kernel_types.h"

#define NAMESPACES 256

/* The namespaces that are confined. Every hook looks here first. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, NAMESPACES);
	__type(key, __u32);
	__type(value, __u32);
} ref_mode SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, NAMESPACES);
	__type(key, __u32);
	__type(value, struct ref_cap_rules);
} ref_cap SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, NAMESPACES);
	__type(key, __u32);
	__type(value, struct ref_ptrace_rule);
} ref_ptrace SEC(".maps");

/* Mount namespace to its rules, keyed 0..N-1. An update replaces the inner map, so that its id identifies one state
 * of the rules. */
#define RULES_BY_NAMESPACE(map_name, rule)                \
	struct map_name##_inner {                         \
		__uint(type, BPF_MAP_TYPE_HASH);          \
		__uint(max_entries, REF_RULES_MAX);       \
		__type(key, __u32);                       \
		__type(value, rule);                      \
	};                                                \
	struct {                                          \
		__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);  \
		__uint(max_entries, NAMESPACES);          \
		__type(key, __u32);                       \
		__array(values, struct map_name##_inner); \
	} map_name SEC(".maps")

RULES_BY_NAMESPACE(ref_file_outer, struct ref_path_rule);
RULES_BY_NAMESPACE(ref_exec_outer, struct ref_path_rule);
RULES_BY_NAMESPACE(ref_net_outer, struct ref_net_rule);
RULES_BY_NAMESPACE(ref_mount_outer, struct ref_mount_rule);

/* The inode number of the current task's mount namespace if that is confined, else 0. Reads the scalar, not struct
 * ns_common, in which the field moved in 6.18 and again in 7.0. A task that exits has no namespaces. */
static __always_inline __u32 confined_namespace(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	__u32 mntns = BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum);

	return bpf_map_lookup_elem(&ref_mode, &mntns) ? mntns : 0;
}

#ifdef BOUNDED_LOOP
#define RULE_AT static __always_inline
#define WALK_RULES(rule_at, walk)                 \
	for (__u32 i = 0; i < REF_RULES_MAX; i++) \
		if (rule_at(i, walk))             \
	break
#else
#define RULE_AT static __noinline
#define WALK_RULES(rule_at, walk) bpf_loop(REF_RULES_MAX, rule_at, walk, 0)
#endif

#endif
