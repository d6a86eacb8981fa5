//go:build ignore

// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/* The reference enforcer: a small BPF LSM enforcer of the same kind and cost as the products that lsmprof profiles.
 * It has twelve hooks, and rules by mount namespace that are walked one by one. The first rule that matches decides;
 * if none matches, access is allowed. An allowed access has therefore walked every rule.
 *
 * A hook denies what it cannot decide: a path that is too long, or for which no buffer is free.
 *
 * Linux 5.17 and later walk the rules with bpf_loop, as vArmor does there: one function looks at one rule, and can be
 * timed. For older kernels the object is compiled a second time with BOUNDED_LOOP. */
#include "rules.h"

#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_tracing.h>

#include "kernel_types.h"
#include "path.h"
#include "maps.h"
#include "pathrules.h"
#include "netrules.h"
#include "mountrules.h"

static __always_inline void *file_rules(void)
{
	__u32 mntns = confined_namespace();

	return mntns ? bpf_map_lookup_elem(&ref_file_outer, &mntns) : NULL;
}

SEC("lsm/file_open")
int BPF_PROG(ref_file_open, struct file *file)
{
	void *rules = file_rules();

	return rules ? check_path(rules, file->f_path.mnt, file->f_path.dentry) : 0;
}

SEC("lsm/path_symlink")
int BPF_PROG(ref_path_symlink, struct path *dir, struct dentry *dentry)
{
	void *rules = file_rules();

	return rules ? check_path(rules, dir->mnt, dentry) : 0;
}

SEC("lsm/path_link")
int BPF_PROG(ref_path_link, struct dentry *old, struct path *dir, struct dentry *new)
{
	void *rules = file_rules();
	int err;

	if (!rules)
		return 0;
	err = check_path(rules, dir->mnt, old);
	return err ? err : check_path(rules, dir->mnt, new);
}

SEC("lsm/path_rename")
int BPF_PROG(ref_path_rename, struct path *old_dir, struct dentry *old, struct path *new_dir, struct dentry *new)
{
	void *rules = file_rules();
	int err;

	if (!rules)
		return 0;
	err = check_path(rules, old_dir->mnt, old);
	return err ? err : check_path(rules, new_dir->mnt, new);
}

/* The path of the file, not bprm->filename, which the caller wrote: it may be relative, or lead through a symbolic
 * link. */
SEC("lsm/bprm_check_security")
int BPF_PROG(ref_bprm_check_security, struct linux_binprm *bprm)
{
	__u32 mntns = confined_namespace();
	void *rules = mntns ? bpf_map_lookup_elem(&ref_exec_outer, &mntns) : NULL;

	return rules ? check_path(rules, bprm->file->f_path.mnt, bprm->file->f_path.dentry) : 0;
}

SEC("lsm/capable")
int BPF_PROG(ref_capable, const struct cred *cred, struct user_namespace *ns, int cap)
{
	__u32 mntns = confined_namespace();
	struct ref_cap_rules *rules = mntns ? bpf_map_lookup_elem(&ref_cap, &mntns) : NULL;

	return rules && rules->denied & (1ULL << (cap & 63)) ? -EPERM : 0;
}

SEC("lsm/ptrace_access_check")
int BPF_PROG(ref_ptrace_access_check, struct task_struct *child, unsigned int mode)
{
	__u32 mntns = confined_namespace();
	struct ref_ptrace_rule *rule = mntns ? bpf_map_lookup_elem(&ref_ptrace, &mntns) : NULL;

	return rule && rule->denied & mode ? -EPERM : 0;
}

SEC("lsm/socket_create")
int BPF_PROG(ref_socket_create, int family, int type, int protocol, int kern)
{
	struct endpoint e = { .hook = REF_CREATE, .family = family };
	__u32 mntns = confined_namespace();

	return mntns && !kern ? check_net(mntns, &e) : 0;
}

/* The start of struct sockaddr_in and sockaddr_in6. */
struct ip_address {
	__u16 family;
	__be16 port;
	__be32 v4;
	__be32 v6[4];
};

SEC("lsm/socket_connect")
int BPF_PROG(ref_socket_connect, struct socket *sock, struct sockaddr *address, int addrlen)
{
	struct endpoint e = { .hook = REF_CONNECT };
	__u32 mntns = confined_namespace();
	struct ip_address a = {};

	if (!mntns || addrlen < (int)sizeof(a.family))
		return 0;
	/* The kernel's copy is a struct sockaddr_storage, whatever addrlen says. */
	if (bpf_probe_read_kernel(&a, sizeof(a), address))
		return -EACCES;
	e.family = a.family;
	if (a.family == AF_INET6 && !a.v6[0] && !a.v6[1] && a.v6[2] == bpf_htonl(0xffff)) {
		e.family = AF_INET; /* IPv4 through an IPv6 socket */
		a.v4 = a.v6[3];
	}
	if (e.family == AF_INET)
		e.address[0] = a.v4;
	else if (e.family == AF_INET6)
		__builtin_memcpy(e.address, a.v6, sizeof(e.address));
	if (e.family == AF_INET || e.family == AF_INET6)
		e.port = bpf_ntohs(a.port);
	return check_net(mntns, &e);
}

static __always_inline __u32 mount_op(unsigned long flags)
{
	if (flags & MS_REMOUNT)
		return REF_REMOUNT;
	if (flags & MS_BIND)
		return REF_BIND;
	if (flags & (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE))
		return 0; /* changes of propagation: no rule is about them */
	return flags & MS_MOVE ? REF_MOVE : REF_MOUNT;
}

SEC("lsm/sb_mount")
int BPF_PROG(ref_sb_mount, const char *source, struct path *target, const char *type, unsigned long flags)
{
	struct mount_request m = { .op = mount_op(flags) };
	void *rules = mount_rules();
	struct path_buffer *b;
	bool denied;

	if (!rules)
		return 0;
	b = claim_buffer();
	if (!b)
		return -EAGAIN;
	if (type)
		bpf_probe_read_kernel_str(m.fstype, sizeof(m.fstype), type);
	denied = !copy_path(b, source) || mount_denied(rules, b, &m);
	release_buffer(b);
	return denied ? -EACCES : 0;
}

/* A detached mount comes from fsmount() or open_tree(), and moving it mounts it. */
SEC("lsm/move_mount")
int BPF_PROG(ref_move_mount, struct path *from, struct path *to)
{
	void *rules = mount_rules();
	struct mount *mnt;
	bool detached;

	if (!rules)
		return 0;
	mnt = (void *)from->mnt - bpf_core_field_offset(struct mount, mnt);
	detached = BPF_CORE_READ(mnt, mnt_parent) == mnt;
	return check_mount(rules, detached ? REF_MOUNT : REF_MOVE, from->mnt, from->dentry);
}

SEC("lsm/sb_umount")
int BPF_PROG(ref_sb_umount, struct vfsmount *mnt, int flags)
{
	void *rules = mount_rules();

	return rules ? check_mount(rules, REF_UMOUNT, mnt, mnt->mnt_root) : 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
