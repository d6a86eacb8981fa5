//go:build ignore

// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/* Keeps BPF objects from being opened by anyone but one process, as systemd's RestrictFileSystemAccess= does since
 * v261. */
#include "lookalike.h"

#define EPERM 1
#define BPF_LINK_GET_FD_BY_ID 30

enum guarded_kind { GUARDED_PROGRAM, GUARDED_MAP, GUARDED_LINK };

struct guarded {
	enum guarded_kind kind;
	__u32 id;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, struct guarded);
	__type(value, __u32); /* thread group id of the process that may open it */
} guarded_objects SEC(".maps");

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct bpf_prog_aux {
	__u32 id;
};
struct bpf_prog {
	struct bpf_prog_aux *aux;
};
struct bpf_map {
	__u32 id;
};
#pragma clang attribute pop

static __always_inline int guard(enum guarded_kind kind, __u32 id)
{
	struct guarded key = { .kind = kind, .id = id };
	__u32 *owner = bpf_map_lookup_elem(&guarded_objects, &key);

	return owner && *owner != bpf_get_current_pid_tgid() >> 32 ? -EPERM : 0;
}

SEC("lsm/bpf_prog")
int BPF_PROG(guard_bpf_prog, struct bpf_prog *prog)
{
	return guard(GUARDED_PROGRAM, prog->aux->id);
}

SEC("lsm/bpf_map")
int BPF_PROG(guard_bpf_map, struct bpf_map *map)
{
	return guard(GUARDED_MAP, map->id);
}

/* No hook is about links alone. */
SEC("lsm/bpf")
int BPF_PROG(guard_bpf, int cmd, void *attr)
{
	__u32 link = 0;

	if (cmd != BPF_LINK_GET_FD_BY_ID)
		return 0;
	bpf_probe_read_kernel(&link, sizeof(link), attr); /* the first member */
	return guard(GUARDED_LINK, link);
}

/* Keeps the types in the object's BTF, for bpf2go. */
struct guarded *_guarded __attribute__((unused));

char LICENSE[] SEC("license") = "Dual BSD/GPL";
