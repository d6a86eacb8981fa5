//go:build ignore

// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/* An enforcer that lsmprof does not know: two programs that share a map of rules, and one with a map of maps. */
#include "lookalike.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u64);
	__type(value, __u32);
} acme_rules SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 16);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} acme_policies_of_tenants SEC(".maps");

#define LOOKS(name, hook, type, map)               \
	SEC("lsm/" #hook)                          \
	int name(void *ctx)                        \
	{                                          \
		type key = 0;                      \
                                                   \
		bpf_map_lookup_elem(&(map), &key); \
		return 0;                          \
	}

LOOKS(acme_open, file_open, __u64, acme_rules)
LOOKS(acme_exec, bprm_check_security, __u64, acme_rules)
LOOKS(acme_rename, path_rename, __u32, acme_policies_of_tenants)

char LICENSE[] SEC("license") = "Dual BSD/GPL";
