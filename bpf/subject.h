/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* The subject of a call, from the arguments of its hook: the path of a file, the address of a peer. Paths are walked
 * here because bpf_d_path is allowed only in programs on a few kernel functions, and never in programs on BPF
 * programs. */
#ifndef LSMPROF_SUBJECT_H
#define LSMPROF_SUBJECT_H

#include "types.h"
#include "task.h"

#define NAME_BYTES 256 /* NAME_MAX and a NUL */
#define ABOUT_BYTES 1024
#define ABOUT_STEPS 32 /* components, and mounts crossed */
#define ADDRESS_BYTES 110 /* of struct sockaddr_un, the longest */

struct qstr {
	const unsigned char *name;
} __relocated;
struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
} __relocated;
struct vfsmount {
	struct dentry *mnt_root;
} __relocated;
struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
} __relocated;
struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
} __relocated;
struct file {
	struct path f_path;
} __relocated;
struct linux_binprm {
	struct file *file;
} __relocated;
struct task_struct___subject {
	__s32 tgid;
	char comm[16];
} __relocated;

/* User space sets these before the load. */
const volatile __u8 about; /* enum subject */
const volatile __u8 about_argument; /* index of the argument of the hook that holds it */

#define HOOK_ARGUMENT(n)                                                                     \
	case n:                                                                              \
		asm volatile("%0 = *(u64 *)(%1 + %2)" : "=r"(arg) : "r"(ctx), "i"((n) * 8)); \
		break

/* A probe on a function of the kernel finds the arguments in its context. A probe on an LSM program finds the context
 * of that program there. */
static __always_inline void *hook_argument(enum probe_kind kind, void *ctx, __u32 n)
{
	__u64 arg = 0;

	if (kind != LEGACY && kind != WHOLE_HOOK) {
		bpf_probe_read_kernel(&arg, sizeof(arg), (void *)(*(__u64 *)ctx + 8 * n));
		return (void *)arg;
	}
	switch (n) {
		HOOK_ARGUMENT(0);
		HOOK_ARGUMENT(1);
		HOOK_ARGUMENT(2);
		HOOK_ARGUMENT(3);
		HOOK_ARGUMENT(4);
		HOOK_ARGUMENT(5);
	}
	return (void *)arg;
}

/* The state of a walk. It is in memory, because with registers the verifier would follow every sequence of
 * components and mounts. */
struct walk {
	__u64 mnt, mnt_root, dentry; /* pointers; mnt 0: the walk ends at the root of the file system */
	__u64 used;
};

/* Writes the names from a dentry up to the root of the mount namespace. Returns the number of bytes. */
static __noinline int walk_up(struct walk *w, __u8 *out)
{
	if (!w || !out)
		return 0;
	w->used = 0;
	for (int i = 0; i < ABOUT_STEPS; i++) {
		struct dentry *here = (void *)w->dentry, *parent;
		__u64 used;
		long n;

		if (w->mnt && w->dentry == w->mnt_root) {
			struct mount *mnt = (void *)w->mnt, *above = BPF_CORE_READ(mnt, mnt_parent);

			if (above == mnt)
				goto whole;
			w->dentry = (__u64)BPF_CORE_READ(mnt, mnt_mountpoint);
			w->mnt = (__u64)above;
			w->mnt_root = (__u64)BPF_CORE_READ(above, mnt.mnt_root);
			continue;
		}
		parent = BPF_CORE_READ(here, d_parent);
		/* A file without a directory, such as a pipe, has only its name. */
		if (parent == here && w->used)
			break;
		used = w->used;
		barrier_var(used);
		if (used >= ABOUT_BYTES - NAME_BYTES)
			break;
		n = bpf_probe_read_kernel_str(out + used, NAME_BYTES, BPF_CORE_READ(here, d_name.name));
		if (n <= 1) /* a pipe or a socket: no name */
			break;
		w->used = used + n;
		if (parent == here)
			break;
		w->dentry = (__u64)parent;
	}
	return w->used;
whole:
	if (w->used < ABOUT_BYTES)
		out[w->used++] = 0;
	return w->used;
}

static __always_inline int about_dentry(struct walk *w, __u8 *out, struct vfsmount *mnt, struct dentry *dentry)
{
	w->mnt = mnt ? (__u64)mnt - bpf_core_field_offset(struct mount, mnt) : 0;
	w->mnt_root = mnt ? (__u64)BPF_CORE_READ(mnt, mnt_root) : 0;
	w->dentry = (__u64)dentry;
	return walk_up(w, out);
}

static __always_inline int about_path(struct walk *w, __u8 *out, struct path *path)
{
	return about_dentry(w, out, BPF_CORE_READ(path, mnt), BPF_CORE_READ(path, dentry));
}

static __always_inline int about_address(__u8 *out, void *address, __u64 len)
{
	if (len > ADDRESS_BYTES)
		len = ADDRESS_BYTES;
	barrier_var(len);
	len &= 127;
	return bpf_probe_read_kernel(out, len, address) ? 0 : len;
}

static __always_inline int about_task(__u8 *out, struct task_struct___subject *task)
{
	*(__u32 *)out = BPF_CORE_READ(task, tgid);
	bpf_probe_read_kernel(out + 4, sizeof(task->comm), &task->comm);
	return 4 + sizeof(task->comm);
}

/* Writes at most ABOUT_BYTES. Returns their number. */
static __always_inline int write_subject(enum probe_kind kind, void *ctx, struct walk *w, __u8 *out)
{
	void *arg;

	if (about == ABOUT_NOTHING)
		return 0;
	arg = hook_argument(kind, ctx, about_argument);
	switch (about) {
	case ABOUT_EXEC:
		arg = BPF_CORE_READ((struct linux_binprm *)arg, file);
		/* fallthrough */
	case ABOUT_FILE:
		return about_dentry(w, out, BPF_CORE_READ((struct file *)arg, f_path.mnt),
				    BPF_CORE_READ((struct file *)arg, f_path.dentry));
	case ABOUT_PATH:
		return about_path(w, out, arg);
	case ABOUT_ENTRY:
		return about_dentry(w, out, BPF_CORE_READ((struct path *)arg, mnt),
				    hook_argument(kind, ctx, about_argument + 1));
	case ABOUT_DENTRY:
		return about_dentry(w, out, 0, arg);
	case ABOUT_MOUNT:
		return about_dentry(w, out, arg, BPF_CORE_READ((struct vfsmount *)arg, mnt_root));
	case ABOUT_ADDRESS:
		return about_address(out, arg, (__u32)(__u64)hook_argument(kind, ctx, about_argument + 1));
	case ABOUT_TASK:
		return about_task(out, arg);
	case ABOUT_NUMBERS:
		((__u64 *)out)[0] = (__u64)arg;
		((__u64 *)out)[1] = (__u64)hook_argument(kind, ctx, about_argument + 1);
		((__u64 *)out)[2] = (__u64)hook_argument(kind, ctx, about_argument + 2);
		return 3 * 8;
	}
	return 0;
}

#endif
