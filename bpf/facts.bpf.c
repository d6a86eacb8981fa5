//go:build ignore

// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/* Tells of the BPF programs that we hold descriptors of what bpf_prog_info does not: the hook (since 6.0 only) and
 * whether the program may sleep. An iterator over files reaches our own, on every kernel since 5.10. */
#include "types.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#define __relocated __attribute__((preserve_access_index))

struct task_struct {
	__s32 tgid;
} __relocated;
struct file {
	void *private_data;
} __relocated;
struct bpf_iter__task_file {
	struct task_struct *task;
	__u32 fd;
	struct file *file;
} __relocated;
struct bpf_prog_aux {
	const char *attach_func_name;
} __relocated;
struct bpf_prog_aux___before_6_9 {
	_Bool sleepable;
} __relocated;
struct bpf_prog {
	struct bpf_prog_aux *aux;
} __relocated;
/* Moved there by 66c8473135c6 (6.9). A bit field. */
struct bpf_prog___since_6_9 {
	__u16 sleepable : 1;
} __relocated;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct program_facts);
} programs SEC(".maps");

SEC("iter/task_file")
int tell_programs(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct program_facts *facts;
	struct bpf_prog_aux *aux;
	struct bpf_prog *prog;
	__u32 fd = ctx->fd;

	if (!task || !file || task->tgid != bpf_get_current_pid_tgid() >> 32)
		return 0;
	facts = bpf_map_lookup_elem(&programs, &fd);
	if (!facts)
		return 0;
	prog = file->private_data;
	aux = BPF_CORE_READ(prog, aux);
	bpf_probe_read_kernel_str(facts->hook, sizeof(facts->hook), BPF_CORE_READ(aux, attach_func_name));
	if (bpf_core_field_exists(struct bpf_prog___since_6_9, sleepable))
		facts->sleepable = BPF_CORE_READ_BITFIELD_PROBED((struct bpf_prog___since_6_9 *)prog, sleepable);
	else
		facts->sleepable = BPF_CORE_READ((struct bpf_prog_aux___before_6_9 *)aux, sleepable);
	facts->found = 1;
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
