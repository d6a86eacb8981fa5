//go:build ignore

// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/* Times whole syscalls of the tasks in some mount namespaces: the time in hooks is a share of theirs. This happens in
 * separate runs, never while hooks are timed. The programs avoid what 5.10 lacks,
 * bpf_get_current_task_btf (5.11) and task storage for tracing (5.12), so that they run on every kernel. */
#include "types.h"
#include "task.h"
#include "user.h"

/* Mount namespaces to time. User space sets the size. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} namespaces SEC(".maps");

/* By task_struct, as long as the task lives. A thread id will not do: a thread that calls execve takes over the id
 * of its leader. */
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

/* Calls that found these maps full, and calls of which the entry or the exit was missed. On kernels that can preempt
 * a task within these programs (7.2, not 6.12), the kernel skips them for other tasks on that CPU until the task
 * continues. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} lost SEC(".maps");

static __always_inline void count_lost(void)
{
	__u32 key = 0;
	__u64 *n = bpf_map_lookup_elem(&lost, &key);

	if (n)
		__sync_fetch_and_add(n, 1);
}

static __always_inline int selected(__u32 mntns)
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
	bpf_map_update_elem(&times, key, &none, BPF_NOEXIST); /* no error if another CPU was first */
	return bpf_map_lookup_elem(&times, key);
}

/* Reads the clock last; the exit reads it first. Only the cost of the tracepoints themselves is in the time. */
SEC("tp_btf/sys_enter")
int syscall_enter(__u64 *ctx)
{
	struct task_struct *task = current_task(LEGACY);
	__u32 mntns = mntns_of(LEGACY, task);
	struct user_state user;
	struct call *call;

	if (!selected(mntns))
		return 0;
	call = call_of((__u64)task);
	if (!call) {
		count_lost();
		return 0;
	}
	if (call->start)
		count_lost();
	call->of.mntns = mntns;
	user = user_state_of(LEGACY, task, (void *)ctx[0]);
	call->of.syscall = syscall_in(user.nr, user.compat);
	call->switches = TASK(LEGACY, task, nivcsw);
	call->start = bpf_ktime_get_ns();
	return 0;
}

/* A child of fork exits from a call that it did not enter, and so does every task that was in a call when timing
 * began: they have no struct call. The syscall is the one seen at the entry, because execve and rt_sigreturn replace
 * the registers. */
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
		if (selected(mntns_of(LEGACY, t)))
			count_lost();
		return 0;
	}
	time = time_of(&call->of);
	if (!time) {
		count_lost();
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

/* exit never returns, and the next task may reuse the task_struct. */
SEC("tp_btf/sched_process_exit")
int forget_task(void *ctx)
{
	__u64 task = bpf_get_current_task();

	bpf_map_delete_elem(&calls, &task);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
