/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Rules about sockets and addresses. */
#ifndef LSMPROF_REF_NETRULES_H
#define LSMPROF_REF_NETRULES_H

#include "maps.h"

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

#endif
