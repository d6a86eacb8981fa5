//go:build ignore

// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/* Lists the BPF LSM programs and the links of this machine. Iterators see all of them, even those that an LSM keeps
 * from being opened by id, and know what bpf_prog_info lacks before Linux 6.0: the hook, and whether the program may
 * sleep. */
#include "types.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#define __relocated __attribute__((preserve_access_index))

struct seq_file;
struct bpf_iter_meta {
	struct seq_file *seq;
} __relocated;

struct btf_type {
	__u32 name_off;
} __relocated;
struct btf {
	struct btf_type **types;
	const char *strings;
} __relocated;
struct bpf_func_info {
	__u32 type_id;
} __relocated;
struct bpf_prog_aux {
	__u32 id;
	const char *attach_func_name;
	struct btf *btf;
	struct bpf_func_info *func_info;
	char name[16];
} __relocated;
struct bpf_prog_aux___before_6_9 {
	_Bool sleepable;
} __relocated;
enum bpf_prog_type { BPF_PROG_TYPE_LSM = 29 };
struct bpf_prog {
	enum bpf_prog_type type;
	struct bpf_prog_aux *aux;
} __relocated;
/* Moved there by 66c8473135c6 (6.9). A bit field. */
struct bpf_prog___since_6_9 {
	__u16 sleepable : 1;
} __relocated;
struct bpf_link {
	__u32 id;
	struct bpf_prog *prog;
} __relocated;

struct bpf_iter__bpf_prog {
	struct bpf_iter_meta *meta;
	struct bpf_prog *prog;
} __relocated;
struct bpf_iter__bpf_link {
	struct bpf_iter_meta *meta;
	struct bpf_link *link;
} __relocated;

/* Since Linux 5.9. Writes a struct lsm_program for each LSM program. */
SEC("iter/bpf_prog")
int list_programs(struct bpf_iter__bpf_prog *ctx)
{
	struct bpf_prog *prog = ctx->prog;
	struct lsm_program out = {};
	struct bpf_prog_aux *aux;
	struct btf *btf;

	if (!prog || BPF_CORE_READ(prog, type) != BPF_PROG_TYPE_LSM)
		return 0;
	aux = BPF_CORE_READ(prog, aux);
	out.id = BPF_CORE_READ(aux, id);
	bpf_probe_read_kernel_str(out.hook, sizeof(out.hook), BPF_CORE_READ(aux, attach_func_name));
	if (bpf_core_field_exists(struct bpf_prog___since_6_9, sleepable))
		out.sleepable = BPF_CORE_READ_BITFIELD_PROBED((struct bpf_prog___since_6_9 *)prog, sleepable);
	else
		out.sleepable = BPF_CORE_READ((struct bpf_prog_aux___before_6_9 *)aux, sleepable);
	/* The name in aux ends after 15 characters. The BTF of the program has all of it. */
	btf = BPF_CORE_READ(aux, btf);
	if (btf) {
		struct btf_type **types = BPF_CORE_READ(btf, types), *function;

		bpf_probe_read_kernel(&function, sizeof(function), &types[BPF_CORE_READ(aux, func_info, type_id)]);
		bpf_probe_read_kernel_str(out.name, sizeof(out.name),
					  BPF_CORE_READ(btf, strings) + BPF_CORE_READ(function, name_off));
		out.has_btf = 1;
	} else {
		bpf_probe_read_kernel_str(out.name, sizeof(out.name), &aux->name);
	}
	bpf_seq_write(ctx->meta->seq, &out, sizeof(out));
	return 0;
}

/* Since Linux 5.19. Writes a struct program_link for each link that has a program. */
SEC("iter/bpf_link")
int list_links(struct bpf_iter__bpf_link *ctx)
{
	struct bpf_link *link = ctx->link;
	struct program_link out = {};
	struct bpf_prog *prog;

	if (!link)
		return 0;
	prog = BPF_CORE_READ(link, prog);
	if (!prog)
		return 0;
	out.id = BPF_CORE_READ(link, id);
	out.program = BPF_CORE_READ(prog, aux, id);
	bpf_seq_write(ctx->meta->seq, &out, sizeof(out));
	return 0;
}

/* Keep the structs in the object's BTF, for bpf2go. */
struct lsm_program *_lsm_program __attribute__((unused));
struct program_link *_program_link __attribute__((unused));

char LICENSE[] SEC("license") = "Dual BSD/GPL";
