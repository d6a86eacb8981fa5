//go:build ignore

// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/* One LSM hook of a Tetragon policy: the attached program checks whether the policy applies to the current cgroup,
 * and tail-calls the program that walks the selectors. The loader can move both to another hook. */
#include "lookalike.h"

#define SELECTORS 5
#define TAIL_CALL_FILTER 2

struct event_config {
	__u32 func_id;
	__s32 arg[5];
	__u32 policy_id;
	__u32 flags;
};

struct filter_map_value {
	__u8 buf[4096];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct event_config);
} config_map SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct filter_map_value);
} filter_map SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} process_call_heap SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 128);
	__type(key, __u32);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_HASH);
			__uint(max_entries, 16);
			__type(key, __u64);
			__type(value, __u8);
		});
} policy_filter_maps SEC(".maps");

int generic_lsm_process_filter(void *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 13);
	__type(key, __u32);
	__array(values, int(void *));
} lsm_calls SEC(".maps") = {
	.values = {
		[TAIL_CALL_FILTER] = (void *)&generic_lsm_process_filter,
	},
};

SEC("lsm/file_open")
int generic_lsm_event(void *ctx)
{
	__u32 zero = 0;
	struct event_config *config = bpf_map_lookup_elem(&config_map, &zero);
	__u64 *heap = bpf_map_lookup_elem(&process_call_heap, &zero);

	if (!config || !heap)
		return 0;
	if (config->policy_id) {
		__u64 cgroup = bpf_get_current_cgroup_id();
		void *policy = bpf_map_lookup_elem(&policy_filter_maps, &config->policy_id);

		if (!policy || !bpf_map_lookup_elem(policy, &cgroup))
			return 0;
	}
	bpf_tail_call(ctx, &lsm_calls, TAIL_CALL_FILTER);
	return 0;
}

SEC("lsm/file_open")
int generic_lsm_process_filter(void *ctx)
{
	__u32 zero = 0, *filter = bpf_map_lookup_elem(&filter_map, &zero);

	if (!filter)
		return 0;
	for (__u32 i = 0; i < SELECTORS && i < filter[0]; i++)
		if (filter[1 + i] == 0xdeadbeef)
			return -1;
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
