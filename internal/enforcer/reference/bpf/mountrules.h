/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Rules about mounts. */
#ifndef LSMPROF_REF_MOUNTRULES_H
#define LSMPROF_REF_MOUNTRULES_H

#include "maps.h"
#include "path.h"

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

#endif
