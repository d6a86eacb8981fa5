//go:build ignore

// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/* How long syscalls take, from one end to the other, of the tasks in some mount namespaces: what the time in hooks is a share of. It is
 * measured in runs of its own, never while hooks are timed. The same programs serve every kernel since 5.10, which has neither
 * bpf_get_current_task_btf (5.11) nor task storage for tracing (5.12). */
#include "types.h"
#include "task.h"
#include "user.h"

#define LEGACY 1

/* Whose calls are timed; user space sets the size. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} namespaces SEC(".maps");

/* By task_struct, for as long as the task lives. A thread id will not do: a thread that calls execve takes over its leader's. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, struct call);
} calls SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, struct syscall_key);
	__type(value, struct syscall_time);
} times SEC(".maps");

/* Calls that found no room in those, or of which one end was missed: where a task may be preempted in these programs (7.2, not
 * 6.12) the kernel leaves them out for others on the CPU until it goes on. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} lost SEC(".maps");

static __always_inline void lose(void)
{
	__u32 key = 0;
	__u64 *n = bpf_map_lookup_elem(&lost, &key);

	if (n)
		__sync_fetch_and_add(n, 1);
}

static __always_inline int is_ours(__u32 mntns)
{
	return bpf_map_lookup_elem(&namespaces, &mntns) != 0;
}

static __always_inline struct call *call_of(__u64 task)
{
	static const struct call none;
	struct call *call = bpf_map_lookup_elem(&calls, &task);

	if (call)
		return call;
	bpf_map_update_elem(&calls, &task, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(&calls, &task);
}

static __always_inline struct syscall_time *time_of(struct syscall_key *key)
{
	static const struct syscall_time none;
	struct syscall_time *time = bpf_map_lookup_elem(&times, key);

	if (time)
		return time;
	bpf_map_update_elem(&times, key, &none, BPF_NOEXIST); /* or another CPU did */
	return bpf_map_lookup_elem(&times, key);
}

/* The timestamp is the last thing taken here and the first at the exit: only the tracepoints' own way is in the time. */
SEC("tp_btf/sys_enter")
int syscall_enter(__u64 *ctx)
{
	struct task_struct *task = current_task(LEGACY);
	__u32 mntns = mntns_of(LEGACY, task);
	struct user_state user;
	struct call *call;

	if (!is_ours(mntns))
		return 0;
	call = call_of((__u64)task);
	if (!call) {
		lose();
		return 0;
	}
	if (call->start)
		lose();
	call->of.mntns = mntns;
	user = user_state_of(LEGACY, task, (void *)ctx[0]);
	call->of.syscall = syscall_in(user.nr, user.compat);
	call->switches = TASK(LEGACY, task, nivcsw);
	call->start = bpf_ktime_get_ns();
	return 0;
}

/* Children of fork leave a call that they did not enter, as do all that were in one when this began: of those there is no struct call.
 * The number is that of the entry: execve and rt_sigreturn replace the registers. */
SEC("tp_btf/sys_exit")
int syscall_exit(void *ctx)
{
	__u64 end = bpf_ktime_get_ns(), task = bpf_get_current_task();
	struct call *call = bpf_map_lookup_elem(&calls, &task);
	struct task_struct *t = (void *)task;
	struct syscall_time *time;

	if (!call)
		return 0;
	if (!call->start) {
		if (is_ours(mntns_of(LEGACY, t)))
			lose();
		return 0;
	}
	time = time_of(&call->of);
	if (!time) {
		lose();
	} else if (TASK(LEGACY, t, nivcsw) == call->switches) {
		__sync_fetch_and_add(&time->calls, 1);
		__sync_fetch_and_add(&time->ns, end - call->start);
	} else {
		__sync_fetch_and_add(&time->preempted, 1);
		__sync_fetch_and_add(&time->preempted_ns, end - call->start);
	}
	call->start = 0;
	return 0;
}

/* Calls of exit have no end, and the next task may have the same task_struct. */
SEC("tp_btf/sched_process_exit")
int forget_task(void *ctx)
{
	__u64 task = bpf_get_current_task();

	bpf_map_delete_elem(&calls, &task);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
