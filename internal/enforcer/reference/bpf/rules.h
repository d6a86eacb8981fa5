/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* The rules in the maps of the reference enforcer, shared with Go. A field of 0 matches anything. */
#ifndef LSMPROF_REF_RULES_H
#define LSMPROF_REF_RULES_H

#include "kernel.h"

#define REF_RULES_MAX 64
#define REF_PATTERN_WORDS 8
#define REF_PATTERN_LEN (8 * REF_PATTERN_WORDS)

enum ref_action { REF_ALLOW = 0, REF_DENY = 1 };

enum ref_pattern_flags {
	REF_EXACT = 1, /* the prefix is the whole path */
	REF_ONE_LEVEL = 2, /* no slash between prefix and suffix */
};

/* The masks say which bytes count, so that comparing needs no branches, each of which the verifier would follow. */
struct ref_pattern {
	enum ref_pattern_flags flags;
	__u16 prefix_len;
	__u16 suffix_len;
	__u64 prefix[REF_PATTERN_WORDS];
	__u64 prefix_mask[REF_PATTERN_WORDS];
	__u64 suffix[REF_PATTERN_WORDS]; /* right-aligned */
	__u64 suffix_mask[REF_PATTERN_WORDS];
};

/* A file or exec rule. */
struct ref_path_rule {
	enum ref_action action;
	__u32 _pad;
	struct ref_pattern pattern;
};

enum ref_net_hook { REF_CONNECT = 1, REF_CREATE = 2 };

struct ref_net_rule {
	enum ref_action action;
	enum ref_net_hook hook;
	__u32 family;
	__u16 port, end_port; /* host byte order, both inclusive */
	__u32 address[4]; /* network byte order, masked; IPv4 in the first */
	__u32 mask[4];
};

enum ref_mount_op {
	REF_MOUNT = 1,
	REF_BIND = 2,
	REF_REMOUNT = 4,
	REF_MOVE = 8,
	REF_UMOUNT = 16,
};

struct ref_mount_rule {
	enum ref_action action;
	enum ref_mount_op ops;
	struct ref_pattern pattern;
	__u8 fstype[16];
};

struct ref_cap_rules {
	__u32 serial; /* number of the update: changing a rule and back again is two updates */
	__u32 _pad;
	__u64 denied; /* one bit per capability, one rule per bit */
};

enum ref_ptrace_access { REF_PTRACE_READ = 1, REF_PTRACE_ATTACH = 2 };

struct ref_ptrace_rule {
	__u32 serial;
	enum ref_ptrace_access denied;
};

#endif
