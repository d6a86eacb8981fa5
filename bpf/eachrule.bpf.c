//go:build ignore

// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/* Times every call of a function that looks at one rule: a function of an LSM program whose first argument is the
 * index of the rule, such as the callback of a bpf_loop. A pair costs some 500 instructions a rule, so that it runs in
 * a separate pass. */
#include "control.h"
#include "entry.h"
#include "exit.h"
#include "slot.h"

/* What the calls of one rule cost. User space sets the number of keys before the load; preallocated, because a probe
 * may run in any context. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 1);
	__type(key, struct rule_key);
	__type(value, struct rule_cost);
} rule_costs SEC(".maps");

SEC("fentry")
int rule_enter(void *ctx)
{
	struct slot *cpu = cpu_slot();

	return on_entry(LOOKED_UP, mode_of_all, ctx, cpu, cpu);
}

/* Creates the cost of a rule. If the map is full, returns that of LOST, which user space has created. */
static __noinline struct rule_cost *new_rule_cost(struct rule_key *key)
{
	static const struct rule_cost zero;
	struct rule_key lost = { .rule = RULE_LOST };
	struct rule_cost *cost;

	if (!key)
		return 0;
	bpf_map_update_elem(&rule_costs, key, &zero, BPF_NOEXIST);
	cost = bpf_map_lookup_elem(&rule_costs, key);
	return cost ? cost : bpf_map_lookup_elem(&rule_costs, &lost);
}

static __always_inline int count_rule(void *ctx, struct task_struct *task, __u64 ns)
{
	/* The index is the first argument. */
	struct rule_key key = { .mntns = mntns_of(LOOKED_UP, task), .rule = ((__u64 *)ctx)[0] };
	struct rule_cost *cost = bpf_map_lookup_elem(&rule_costs, &key);
	__u64 ended = 0;

	if (!cost)
		cost = new_rule_cost(&key);
	if (!cost)
		return 0;
	cost->looks++;
	/* A number of arguments that the verifier does not trust moves the return value: ask the kernel. */
	if (!bpf_get_func_ret(ctx, &ended) && ended)
		cost->ends++;
	if (ns == NO_READING)
		return 0;
	cost->timed++;
	cost->ns += ns;
	return 0;
}

SEC("fexit")
int rule_exit(void *ctx)
{
	struct slot *cpu = cpu_slot();
	struct task_struct *task;
	__u64 start, ns;

	if (take_start(cpu, &start) == (__u64)ctx) {
		if (start == SKIPPED)
			return 0;
		ns = bpf_ktime_get_ns() - start;
		barrier_var(ns);
		task = current_task(LOOKED_UP);
		if (mode_of_all & MODE_PREEMPTIBLE && cpu->switches != task->nivcsw)
			ns = NO_READING;
		return count_rule(ctx, task, ns);
	}
	task = current_task(LOOKED_UP);
	if (off || filtered_out(LOOKED_UP, mode_of_all, task))
		return 0;
	return count_rule(ctx, task, NO_READING);
}

/* What follows is for the calibration: walks whose functions do nothing, or look into a map. */
volatile struct rule_walk walk SEC(".data.walk") = {};

#define LOOKUP_KEYS 64

struct lookup_value {
	__u8 rule[140]; /* as long as vArmor's */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, LOOKUP_KEYS);
	__type(key, __u32);
	__type(value, struct lookup_value);
} walk_hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LOOKUP_KEYS);
	__type(key, __u32);
	__type(value, struct lookup_value);
} walk_array SEC(".maps");

static __noinline long empty_rule_at(__u32 i, void *unused)
{
	return 0;
}

static __noinline long hash_rule_at(__u32 i, void *unused)
{
	return !bpf_map_lookup_elem(&walk_hash, &i);
}

static __noinline long array_rule_at(__u32 i, void *unused)
{
	return !bpf_map_lookup_elem(&walk_array, &i);
}

/* Functions of their own: the compiler would merge the three loops into one with three callbacks, and the kernel does
 * not inline that, as it does those of enforcers. */
static __noinline int walk_nothing(void)
{
	return bpf_loop(walk.length, empty_rule_at, 0, 0);
}

static __noinline int walk_a_hash(void)
{
	return bpf_loop(walk.length, hash_rule_at, 0, 0);
}

static __noinline int walk_an_array(void)
{
	return bpf_loop(walk.length, array_rule_at, 0, 0);
}

SEC("lsm/task_getpgid")
int lsmprof_walk(void *ctx)
{
	if (walk.kind == WALK_HASH)
		walk_a_hash();
	else if (walk.kind == WALK_ARRAY)
		walk_an_array();
	else
		walk_nothing();
	return 0;
}

/* Keep the enums in the object's BTF, for bpf2go. */
enum walk_kind *_walk_kind __attribute__((unused));
enum rule_lost *_rule_lost __attribute__((unused));

char LICENSE[] SEC("license") = "Dual BSD/GPL";
