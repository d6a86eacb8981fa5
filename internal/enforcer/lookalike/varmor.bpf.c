//go:build ignore

// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/* The hooks and maps of vArmor's enforcer. Like it, the programs look up the rules and walk them one by one, but
 * they deny nothing. The loader gives the maps the sizes of a release's rules. */
#include "lookalike.h"

#define RULES 64

#define HASH(name, value_bytes)                  \
	struct {                                 \
		__uint(type, BPF_MAP_TYPE_HASH); \
		__uint(max_entries, 110);        \
		__uint(key_size, sizeof(__u32)); \
		__uint(value_size, value_bytes); \
	} name SEC(".maps")

#define OUTER(name)                                      \
	struct {                                         \
		__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS); \
		__uint(max_entries, 110);                \
		__uint(key_size, sizeof(__u32));         \
		__uint(value_size, sizeof(__u32));       \
	} name SEC(".maps")

OUTER(v_file_outer);
OUTER(v_bprm_outer);
OUTER(v_net_outer);
OUTER(v_mount_outer);
HASH(v_capable, 16);
HASH(v_ptrace, 12);

#ifdef MODES /* v0.9 and later */
HASH(v_profile_mode, 4);
#define walks(ns)                                                          \
	({                                                                 \
		__u32 *mode = bpf_map_lookup_elem(&v_profile_mode, &(ns)); \
		mode && *mode == 1;                                        \
	})
#else
#define walks(ns) ((ns) != 0)
#endif

/* No rule of a product begins with this word. */
#define DENIED 0xdeadbeef

static __always_inline int walk(void *outer, __u32 ns)
{
	void *inner = bpf_map_lookup_elem(outer, &ns);

	if (!inner)
		return 0;
	for (__u32 i = 0; i < RULES; i++) {
		__u32 key = i, *rule = bpf_map_lookup_elem(inner, &key);

		if (!rule)
			break;
		if (*rule == DENIED)
			return -1;
	}
	return 0;
}

#define WALKS(name, hook, outer)                           \
	SEC("lsm/" #hook)                                  \
	int name(void *ctx)                                \
	{                                                  \
		__u32 ns = current_mnt_ns();               \
                                                           \
		return walks(ns) ? walk(&(outer), ns) : 0; \
	}

WALKS(varmor_file_open, file_open, v_file_outer)
WALKS(varmor_path_symlink, path_symlink, v_file_outer)
WALKS(varmor_path_link, path_link, v_file_outer)
WALKS(varmor_path_rename, path_rename, v_file_outer)
WALKS(varmor_bprm_check_security, bprm_check_security, v_bprm_outer)
WALKS(varmor_socket_connect, socket_connect, v_net_outer)
WALKS(varmor_socket_create, socket_create, v_net_outer)
WALKS(varmor_mount, sb_mount, v_mount_outer)
WALKS(varmor_move_mount, move_mount, v_mount_outer)
WALKS(varmor_umount, sb_umount, v_mount_outer)

#define LOOKS(name, hook, map)                           \
	SEC("lsm/" #hook)                                \
	int name(void *ctx)                              \
	{                                                \
		__u32 ns = current_mnt_ns(), *rule;      \
                                                         \
		if (!walks(ns))                          \
			return 0;                        \
		rule = bpf_map_lookup_elem(&(map), &ns); \
		return rule && *rule == DENIED ? -1 : 0; \
	}

LOOKS(varmor_capable, capable, v_capable)
LOOKS(varmor_ptrace_access_check, ptrace_access_check, v_ptrace)

char LICENSE[] SEC("license") = "Dual BSD/GPL";
