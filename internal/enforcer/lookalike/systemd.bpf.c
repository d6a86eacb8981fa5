//go:build ignore

// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/* systemd's RestrictFileSystems=, without the denials. */
#include "lookalike.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 16);
	__uint(key_size, sizeof(__u64)); /* cgroup id */
	__uint(value_size, sizeof(__u32)); /* set of magic numbers of file systems */
} cgroup_hash SEC(".maps");

SEC("lsm/file_open")
int restrict_filesystems(void *ctx)
{
	__u64 cgroup = bpf_get_current_cgroup_id();
	__u32 zero = 0;
	void *magic = bpf_map_lookup_elem(&cgroup_hash, &cgroup);

	if (magic)
		bpf_map_lookup_elem(magic, &zero);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
