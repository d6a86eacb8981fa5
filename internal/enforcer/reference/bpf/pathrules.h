/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Rules about paths: of files, and of programs that are executed. */
#ifndef LSMPROF_REF_PATHRULES_H
#define LSMPROF_REF_PATHRULES_H

#include "maps.h"
#include "path.h"

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

#endif
