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

#define NAMESPACES 256

/* The namespaces that are confined. Every hook looks here first. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, NAMESPACES);
	__type(key, __u32);
	__type(value, __u32);
} ref_mode SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, NAMESPACES);
	__type(key, __u32);
	__type(value, struct ref_cap_rules);
} ref_cap SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, NAMESPACES);
	__type(key, __u32);
	__type(value, struct ref_ptrace_rule);
} ref_ptrace SEC(".maps");

/* Mount namespace to its rules, keyed 0..N-1. An update replaces the inner map, so that its id identifies one state
 * of the rules. */
#define RULES_BY_NAMESPACE(map_name, rule)                \
	struct map_name##_inner {                         \
		__uint(type, BPF_MAP_TYPE_HASH);          \
		__uint(max_entries, REF_RULES_MAX);       \
		__type(key, __u32);                       \
		__type(value, rule);                      \
	};                                                \
	struct {                                          \
		__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);  \
		__uint(max_entries, NAMESPACES);          \
		__type(key, __u32);                       \
		__array(values, struct map_name##_inner); \
	} map_name SEC(".maps")

RULES_BY_NAMESPACE(ref_file_outer, struct ref_path_rule);
RULES_BY_NAMESPACE(ref_exec_outer, struct ref_path_rule);
RULES_BY_NAMESPACE(ref_net_outer, struct ref_net_rule);
RULES_BY_NAMESPACE(ref_mount_outer, struct ref_mount_rule);

/* The inode number of the current task's mount namespace if that is confined, else 0. Reads the scalar, not struct
 * ns_common, in which the field moved in 6.18 and again in 7.0. A task that exits has no namespaces. */
static __always_inline __u32 confined_namespace(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	__u32 mntns = BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum);

	return bpf_map_lookup_elem(&ref_mode, &mntns) ? mntns : 0;
}

#ifdef BOUNDED_LOOP
#define RULE_AT static __always_inline
#define WALK_RULES(rule_at, walk)                 \
	for (__u32 i = 0; i < REF_RULES_MAX; i++) \
		if (rule_at(i, walk))             \
	break
#else
#define RULE_AT static __noinline
#define WALK_RULES(rule_at, walk) bpf_loop(REF_RULES_MAX, rule_at, walk, 0)
#endif

/* Functions of their own match the rules: their prototypes carry the types of the rules into the BTF. */
static __noinline bool path_rule_matches(const struct ref_path_rule *rule, const struct path_buffer *b)
{
	return path_matches(b, &rule->pattern);
}

struct path_walk {
	void *rules;
	const struct path_buffer *b;
	bool denied;
};

/* Looks at one rule. Returns 1 to end the walk: the rule matches, or is past the last. */
RULE_AT long path_rule_at(__u32 i, struct path_walk *walk)
{
	struct ref_path_rule *rule = bpf_map_lookup_elem(walk->rules, &i);

	if (!rule)
		return 1;
	if (!path_rule_matches(rule, walk->b))
		return 0;
	walk->denied = rule->action == REF_DENY;
	return 1;
}

static __noinline bool path_denied(void *rules, const struct path_buffer *b)
{
	struct path_walk walk = { .rules = rules, .b = b };

	WALK_RULES(path_rule_at, &walk);
	return walk.denied;
}

static __always_inline int check_path(void *rules, struct vfsmount *mnt, struct dentry *dentry)
{
	struct path_buffer *b = claim_buffer();
	bool denied;

	if (!b)
		return -EAGAIN;
	denied = !walk_path(b, mnt, dentry) || path_denied(rules, b);
	release_buffer(b);
	return denied ? -EACCES : 0; /* two constants, because since 6.12 the verifier requires -4095..0 */
}

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

struct endpoint {
	__u32 hook;
	__u32 family;
	__u32 port;
	__u32 address[4];
};

static __noinline bool net_rule_matches(const struct ref_net_rule *r, const struct endpoint *e)
{
	if (r->hook != e->hook || (r->family && r->family != e->family))
		return false;
	if (r->end_port && (e->port < r->port || e->port > r->end_port))
		return false;
	for (int i = 0; i < 4; i++)
		if ((e->address[i] & r->mask[i]) != r->address[i])
			return false;
	return true;
}

struct net_walk {
	void *rules;
	const struct endpoint *e;
	__u32 denied; /* of a bool, the compiler would return -denied, whose range the verifier does not know */
};

RULE_AT long net_rule_at(__u32 i, struct net_walk *walk)
{
	struct ref_net_rule *rule = bpf_map_lookup_elem(walk->rules, &i);

	if (!rule)
		return 1;
	if (!net_rule_matches(rule, walk->e))
		return 0;
	walk->denied = rule->action == REF_DENY;
	return 1;
}

static __always_inline int check_net(__u32 mntns, const struct endpoint *e)
{
	struct net_walk walk = { .rules = bpf_map_lookup_elem(&ref_net_outer, &mntns), .e = e };

	if (!walk.rules)
		return 0;
	WALK_RULES(net_rule_at, &walk);
	return walk.denied ? -EPERM : 0;
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

struct mount_request {
	__u32 op;
	char fstype[16];
};

static __noinline bool mount_rule_matches(const struct ref_mount_rule *rule, const struct path_buffer *b,
					  const struct mount_request *m)
{
	if (!(rule->ops & m->op))
		return false;
	for (int i = 0; i < (int)sizeof(m->fstype) && rule->fstype[0]; i++) {
		if (rule->fstype[i] != m->fstype[i])
			return false;
		if (!m->fstype[i])
			break;
	}
	return path_matches(b, &rule->pattern);
}

struct mount_walk {
	void *rules;
	const struct path_buffer *b;
	const struct mount_request *m;
	bool denied;
};

RULE_AT long mount_rule_at(__u32 i, struct mount_walk *walk)
{
	struct ref_mount_rule *rule = bpf_map_lookup_elem(walk->rules, &i);

	if (!rule)
		return 1;
	if (!mount_rule_matches(rule, walk->b, walk->m))
		return 0;
	walk->denied = rule->action == REF_DENY;
	return 1;
}

static __noinline bool mount_denied(void *rules, const struct path_buffer *b, const struct mount_request *m)
{
	struct mount_walk walk = { .rules = rules, .b = b, .m = m };

	WALK_RULES(mount_rule_at, &walk);
	return walk.denied;
}

static __always_inline void *mount_rules(void)
{
	__u32 mntns = confined_namespace();

	return mntns ? bpf_map_lookup_elem(&ref_mount_outer, &mntns) : NULL;
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

static __always_inline int check_mount(void *rules, __u32 op, struct vfsmount *mnt, struct dentry *dentry)
{
	struct mount_request m = { .op = op };
	struct path_buffer *b = claim_buffer();
	bool denied;

	if (!b)
		return -EAGAIN;
	bpf_probe_read_kernel_str(m.fstype, sizeof(m.fstype), BPF_CORE_READ(dentry, d_sb, s_type, name));
	denied = !walk_path(b, mnt, dentry) || mount_denied(rules, b, &m);
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
