//go:build ignore

// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/* Two of bpflock's protections, without the denials: against bpf(2), and against programs outside of file systems. */
#include "lookalike.h"

#define ARGUMENTS(name)                          \
	struct {                                 \
		__uint(type, BPF_MAP_TYPE_HASH); \
		__uint(max_entries, 5);          \
		__type(key, __u32);              \
		__type(value, __u32);            \
	} name SEC(".maps")

ARGUMENTS(bpfrestrict_args_map);
ARGUMENTS(filelesslock_args_map);

#define PROFILE 1

#define LOOKS(name, hook, map)                         \
	SEC("lsm/" #hook)                              \
	int name(void *ctx)                            \
	{                                              \
		__u32 profile = PROFILE;               \
                                                       \
		bpf_map_lookup_elem(&(map), &profile); \
		return 0;                              \
	}

LOOKS(bpfrestrict_bpf, bpf, bpfrestrict_args_map)
LOOKS(bpfrestrict_locked_down, locked_down, bpfrestrict_args_map)
LOOKS(bprm_creds_from_file, bprm_creds_from_file, filelesslock_args_map)

char LICENSE[] SEC("license") = "Dual BSD/GPL";
