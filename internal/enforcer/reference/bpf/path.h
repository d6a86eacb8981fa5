/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Paths of the reference enforcer: a buffer to build one in, the walk from a dentry to the root, and matching. */
#ifndef LSMPROF_REF_PATH_H
#define LSMPROF_REF_PATH_H

#include "rules.h"

#define PATH_MAX 4096
#define NAME_MAX 255
#define PATH_STEPS 64 /* components, and mounts crossed */
#define PATH_BUFFERS 32

/* A walked path is right-aligned, a copied one left-aligned. The margins let the verifier see that REF_PATTERN_LEN
 * bytes before the end and NAME_MAX bytes after any start are in bounds. */
#define PATH_FIRST REF_PATTERN_LEN
#define PATH_LAST (PATH_FIRST + PATH_MAX)

struct path_buffer {
	__u64 claims;
	__u64 start, end; /* the path is data[start:end] */
	__u64 name; /* where its last component starts */
	__u64 mnt, mnt_root, dentry; /* position of the walk: pointers */
	__u8 data[PATH_LAST + NAME_MAX + 1];
};

/* Linux 5.11 and later may preempt an LSM program, so that several tasks would share the only buffer of a CPU. A
 * task has a buffer to itself if it reads a claim of 1 after adding its own. That needs no fetching atomics, which
 * 5.10 lacks. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PATH_BUFFERS);
	__type(key, __u32);
	__type(value, struct path_buffer);
} ref_buffer SEC(".maps");

static __always_inline struct path_buffer *claim_buffer(void)
{
	for (__u32 i = 0; i < PATH_BUFFERS; i++) {
		__u32 key = i;
		struct path_buffer *b = bpf_map_lookup_elem(&ref_buffer, &key);

		if (!b)
			break;
		__sync_fetch_and_add(&b->claims, 1);
		if (*(volatile __u64 *)&b->claims == 1)
			return b;
		__sync_fetch_and_add(&b->claims, -1);
	}
	return NULL;
}

static __always_inline void release_buffer(struct path_buffer *b)
{
	__sync_fetch_and_add(&b->claims, -1);
}

/* Writes the path of dentry as seen from the root of the mount namespace. Returns false if the path cannot be
 * written, and so not be matched: the caller then denies. The state of the walk is in the buffer: with registers,
 * the verifier would follow every sequence of components and mounts, for up to half a million instructions. */
static __noinline bool walk_path(struct path_buffer *b, struct vfsmount *vfsmnt, struct dentry *dentry)
{
	b->mnt = (__u64)vfsmnt - bpf_core_field_offset(struct mount, mnt);
	b->mnt_root = (__u64)BPF_CORE_READ(vfsmnt, mnt_root);
	b->dentry = (__u64)dentry;
	b->start = PATH_LAST;
	b->end = PATH_LAST;
	b->name = PATH_LAST;
	for (int i = 0; i < PATH_STEPS; i++) {
		struct dentry *here = (void *)b->dentry, *parent;
		const unsigned char *name;
		__u64 len, pos;

		if (b->dentry == b->mnt_root) {
			struct mount *mnt = (void *)b->mnt, *above = BPF_CORE_READ(mnt, mnt_parent);

			if (above == mnt)
				goto out;
			b->dentry = (__u64)BPF_CORE_READ(mnt, mnt_mountpoint);
			b->mnt = (__u64)above;
			b->mnt_root = (__u64)BPF_CORE_READ(above, mnt.mnt_root);
			continue;
		}
		parent = BPF_CORE_READ(here, d_parent);
		/* A file without a directory, such as a memfd, has only its name. */
		if (parent == here && b->start != PATH_LAST)
			goto out;
		len = BPF_CORE_READ(here, d_name.len);
		name = BPF_CORE_READ(here, d_name.name);
		if (len > NAME_MAX)
			return false;
		pos = b->start - len - 1;
		barrier_var(pos);
		if (pos < PATH_FIRST || pos >= PATH_LAST)
			return false;
		b->data[pos] = '/';
		if (bpf_probe_read_kernel(&b->data[pos + 1], len, name))
			return false;
		if (b->name == PATH_LAST)
			b->name = pos + 1;
		b->start = pos;
		if (parent == here)
			goto out;
		b->dentry = (__u64)parent;
	}
	return false;
out:
	if (b->start == PATH_LAST) {
		b->start = PATH_LAST - 1;
		b->data[PATH_LAST - 1] = '/';
	}
	return true;
}

/* Copies a string from kernel memory. */
static __always_inline bool copy_path(struct path_buffer *b, const char *string)
{
	long n = 1;

	if (string)
		n = bpf_probe_read_kernel_str(&b->data[PATH_FIRST], PATH_MAX, string);
	if (n <= 0)
		return false;
	b->start = PATH_FIRST;
	b->name = PATH_FIRST;
	b->end = PATH_FIRST + n - 1;
	return true;
}

/* May be unaligned: the verifier allows that on amd64 and arm64. */
static __always_inline __u64 word(const void *bytes)
{
	return *(const __u64 *)bytes;
}

static __always_inline bool path_matches(const struct path_buffer *b, const struct ref_pattern *p)
{
	__u64 start = b->start, end = b->end - PATH_FIRST;
	__u64 len = b->end - start, diff = 0;

	/* The compiler must not reload what the verifier has seen checked. */
	barrier_var(start);
	barrier_var(end);
	if (start > PATH_LAST || end > PATH_MAX)
		return false;
	if (p->flags & REF_EXACT && len != p->prefix_len)
		return false;
	if (len < (__u64)p->prefix_len + p->suffix_len)
		return false;
	if (p->flags & REF_ONE_LEVEL && start + p->prefix_len < b->name)
		return false;
	/* Most rules differ in the first bytes after the slash. */
	if ((word(&b->data[start]) ^ p->prefix[0]) & p->prefix_mask[0])
		return false;
	for (int i = 0; i < REF_PATTERN_WORDS; i++) {
		diff |= (word(&b->data[start + 8 * i]) ^ p->prefix[i]) & p->prefix_mask[i];
		diff |= (word(&b->data[end + 8 * i]) ^ p->suffix[i]) & p->suffix_mask[i];
	}
	return !diff;
}

#endif
