//go:build ignore

// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/* Times every invocation of one target: an LSM program or, before Linux 5.18, a whole hook (bpf_lsm_*). One copy of this object
 * is loaded per target, so what depends on the target is constant in .rodata and the verifier removes the rest. */
#include "types.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#define MAX_CPUS 1024
#define PF_IO_WORKER 0x00000010
#define TS_COMPAT 0x0002 /* x86: arch/x86/include/asm/thread_info.h */
#define TIF_32BIT (1UL << 22) /* arm64 */
#define THREAD_SIZE (16 << 10) /* amd64, and arm64 with 4K pages */
#define FILTER_SLOTS 4096
#define NO_RETURN 255

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define __relocated __attribute__((preserve_access_index))

struct ns_common {
	__u32 inum;
} __relocated;
struct mnt_namespace {
	struct ns_common ns;
} __relocated;
struct nsproxy {
	struct mnt_namespace *mnt_ns;
} __relocated;
struct task_struct {
	__u32 flags;
	void *stack;
	unsigned long nivcsw;
	struct nsproxy *nsproxy;
} __relocated;

struct thread_info___x86 {
	__u32 status;
} __relocated;
struct task_struct___x86 {
	struct thread_info___x86 thread_info;
} __relocated;
struct thread_info___arm64 {
	unsigned long flags;
} __relocated;
struct task_struct___arm64 {
	struct thread_info___arm64 thread_info;
} __relocated;
struct pt_regs {
} __relocated;
struct pt_regs___x86 {
	unsigned long orig_ax;
	unsigned long ip;
} __relocated;
struct pt_regs___arm64 {
	__s32 syscallno;
	__u64 pc;
} __relocated;

/* Set before the load. A constant costs two instructions wherever it is read. */
const volatile __u8 arguments; /* of the hook (legacy probes); NO_RETURN where it is void */
const volatile __u8 bucket_of[1024]; /* of a reading below 1024 ns */

/* Shared by all targets. */
volatile __u32 probing SEC(".data.control") = MODE_OFF; /* MODE_*; off until every target is attached */
volatile __u32 sample_of SEC(".data.control");
volatile __u64 comm_allowed[2] SEC(".data.control");
volatile __u32 mntns_allowed[FILTER_SLOTS] SEC(".data.control");
volatile __u32 pids_allowed[FILTER_SLOTS] SEC(".data.control");

/* Non-sleepable programs run with migration off, from trampoline entry to exit. */
struct slot slots[MAX_CPUS];

/* Those of CPU 0, of CPU 1, …; resized at load. An array and not a per-CPU array because user space maps it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cell);
} cells SEC(".maps");

/* Sleepable programs may continue on another CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct slot);
} task_slots SEC(".maps");

/* Probes come in two kinds, told apart at compile time. Program probes (5.18, see tracer/attach.go) load the fields of a task
 * directly. Legacy probes sit on the hook and do without what 5.10 lacks: bpf_get_current_task_btf (5.11), bpf_task_pt_regs
 * (5.15), bpf_get_func_ret (5.17). */
#define TASK(legacy, task, field) ((legacy) ? BPF_CORE_READ(task, field) : (task)->field)

static __always_inline struct task_struct *current_task(int legacy)
{
	return legacy ? (struct task_struct *)bpf_get_current_task() : (struct task_struct *)bpf_get_current_task_btf();
}

static __always_inline __u32 mntns_of(int legacy, struct task_struct *task)
{
	if (legacy)
		return BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum);
	return task->nsproxy->mnt_ns->ns.inum;
}

static __always_inline int in_table(volatile __u32 *table, __u32 key)
{
	return table[key & (FILTER_SLOTS - 1)] == key || table[(key + 1) & (FILTER_SLOTS - 1)] == key;
}

static __always_inline int excluded(int legacy, __u32 mode, struct task_struct *task)
{
	if (mode & MODE_MNTNS && !in_table(mntns_allowed, mntns_of(legacy, task)))
		return 1;
	if (mode & MODE_PID && !in_table(pids_allowed, bpf_get_current_pid_tgid() >> 32))
		return 1;
	if (mode & MODE_COMM) {
		__u64 comm[2] = {};

		bpf_get_current_comm(comm, sizeof(comm));
		if (comm[0] != comm_allowed[0] || comm[1] != comm_allowed[1])
			return 1;
	}
	return 0;
}

/* The verifier lets a pointer be stored, not be computed with. */
static __always_inline __u64 number(struct slot *slot, void *pointer)
{
	volatile __u64 *scratch = &slot->scratch;

	*scratch = (__u64)pointer;
	return *scratch;
}

/* Whether this invocation is one of those left out. The gaps are random, of sample_of - 1 on average: a fixed stride would
 * meet the same call of a loop over and over. Xorshift, as bpf_get_prandom_u32 costs more than all the rest. */
static __always_inline int left_out(struct slot *home)
{
	__u32 x;

	if (home->skip) {
		home->skip--;
		return 1;
	}
	x = home->random;
	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	home->random = x;
	home->skip = (__u64)x * (2 * sample_of - 1) >> 32;
	return 0;
}

/* The timestamp is the last thing taken: what the probe does before it is not in the reading. */
static __always_inline int enter(int legacy, void *ctx, struct slot *slot, struct slot *home)
{
	__u32 mode = probing;

	if (!slot)
		return 0;
	if (mode) {
		struct task_struct *task;

		if (mode & MODE_RARE) {
			if (mode & MODE_OFF)
				return 0;
			if (mode & MODE_SAMPLE && left_out(home))
				goto leave_out;
			if (mode & MODE_FILTERS && excluded(legacy, mode, current_task(legacy)))
				goto leave_out;
		}
		task = current_task(legacy);
		if (mode & MODE_PREEMPTIBLE)
			slot->switches = TASK(legacy, task, nivcsw) + 1;
	}
	slot->frame = (__u64)ctx;
	slot->start = bpf_ktime_get_ns();
	return 0;
leave_out:
	slot->frame = ~number(home, ctx);
	return 0;
}

static __always_inline __u32 syscall(enum syscall_kind kind, __u32 nr)
{
	return kind << SYSCALL_KIND_SHIFT | nr;
}

/* The user's registers, at the top of the kernel stack. */
static __always_inline void *regs_of(int legacy, struct task_struct *task)
{
	if (legacy)
		return BPF_CORE_READ(task, stack) + THREAD_SIZE - bpf_core_type_size(struct pt_regs);
	return (void *)bpf_task_pt_regs((void *)task);
}

/* Negative where an exception or a signal frame brought the task into the kernel. */
static __always_inline __s32 syscall_nr(int legacy, void *regs)
{
	if (bpf_core_field_exists(struct pt_regs___x86, orig_ax))
		return TASK(legacy, (struct pt_regs___x86 *)regs, orig_ax);
	return TASK(legacy, (struct pt_regs___arm64 *)regs, syscallno);
}

/* 0 for what never returns to user space: copy_thread zeroes the registers of kernel threads and of user mode helpers (until
 * their exec; they have no PF_KTHREAD since 343f4c49f243, 5.19), and the instruction pointer of io_uring's workers. */
static __always_inline __u64 user_ip(int legacy, void *regs)
{
	if (bpf_core_field_exists(struct pt_regs___x86, ip))
		return TASK(legacy, (struct pt_regs___x86 *)regs, ip);
	return TASK(legacy, (struct pt_regs___arm64 *)regs, pc);
}

static __always_inline int is_compat(int legacy, struct task_struct *task)
{
	if (bpf_core_field_exists(struct thread_info___x86, status)) {
		struct task_struct___x86 *x86 = (void *)task;

		return TASK(legacy, x86, thread_info.status) & TS_COMPAT;
	} else {
		struct task_struct___arm64 *arm64 = (void *)task;

		return !!(TASK(legacy, arm64, thread_info.flags) & TIF_32BIT);
	}
}

/* The saved user registers of a task that is not in a syscall are stale or zero: tell those apart first. */
static __always_inline __u32 syscall_of(int legacy, struct task_struct *task, void *regs, struct slot *home,
					__u64 frame)
{
	__u32 nr;

	/* Interrupts and softirqs have stacks of their own. */
	if (unlikely(number(home, regs) - frame >= THREAD_SIZE))
		return syscall(SYSCALL_NONE, NO_SYSCALL_IRQ);
	if (unlikely(!user_ip(legacy, regs)))
		return syscall(SYSCALL_NONE,
			       TASK(legacy, task, flags) & PF_IO_WORKER ? NO_SYSCALL_IO_URING : NO_SYSCALL_KTHREAD);
	nr = syscall_nr(legacy, regs);
	if (unlikely(is_compat(legacy, task)))
		return syscall(SYSCALL_COMPAT, nr & SYSCALL_NR_MASK);
	if (likely(nr <= SYSCALL_NR_MASK))
		return syscall(SYSCALL_NATIVE, nr);
	if (nr & 1U << 31)
		return syscall(SYSCALL_NONE, NO_SYSCALL_EXCEPTION);
	return syscall(SYSCALL_X32, nr & SYSCALL_NR_MASK);
}

static __always_inline struct cell *cell_at(struct slot *home, __u32 i)
{
	__u32 index = home->first | (i & home->mask);

	return bpf_map_lookup_elem(&cells, &index);
}

/* The cell of a key that is not where its hash says: in one of the next four, a free one of those, or the common one. */
static __noinline struct cell *find_cell(struct slot *home, __u32 hash, __u64 tag)
{
	struct cell *cell;

	if (!home)
		return 0;
	for (int way = 1; way < 5; way++) {
		cell = cell_at(home, hash + way);
		if (!cell || cell->tag == tag)
			return cell;
	}
	for (int way = 0; way < 5; way++) {
		cell = cell_at(home, hash + way);
		if (!cell)
			return 0;
		if (!cell->tag) {
			bpf_get_current_comm(cell->comm, sizeof(cell->comm));
			cell->tag = tag;
			return cell;
		}
	}
	return cell_at(home, 0);
}

static __always_inline __u32 bucket(__u64 ns)
{
	if (likely(ns < 1024))
		return bucket_of[ns];
	if (likely(ns < 1 << 17))
		return bucket_of[ns >> 7 & 1023] + 28;
	if (ns < 1 << 24)
		return bucket_of[ns >> 14 & 1023] + 56;
	if (ns < 1 << 30)
		return bucket_of[ns >> 21 & 1023] + 84;
	return BUCKETS - 1;
}

/* A tracing program finds the return value of a function behind its arguments. */
#define RETURN_BEHIND(n)                                                                     \
	case n:                                                                              \
		asm volatile("%0 = *(u64 *)(%1 + %2)" : "=r"(ret) : "r"(ctx), "i"((n) * 8)); \
		break

static __always_inline int denied(int legacy, void *ctx)
{
	__u64 ret = 0;

	/* The verifier takes a BPF program for a function of five arguments (btf_ctx_access). */
	if (!legacy)
		return ((__u64 *)ctx)[5];
	switch (arguments) {
		RETURN_BEHIND(0);
		RETURN_BEHIND(1);
		RETURN_BEHIND(2);
		RETURN_BEHIND(3);
		RETURN_BEHIND(4);
		RETURN_BEHIND(5);
		RETURN_BEHIND(6);
	}
	return (int)ret;
}

static __always_inline struct cell *cell_of(int legacy, struct task_struct *task, void *regs, struct slot *home,
					    __u64 frame)
{
	__u32 mntns = mntns_of(legacy, task);
	__u32 syscall = syscall_of(legacy, task, regs, home, frame);
	__u64 tag = (__u64)mntns << 32 | syscall;
	__u32 hash = mntns * 0x9E3779B1U + syscall;
	struct cell *cell = cell_at(home, hash);

	if (cell && unlikely(cell->tag != tag))
		cell = find_cell(home, hash, tag);
	return cell;
}

/* An invocation without a reading: the slot was used by another one in between, the task was switched out, or the entry was
 * not recorded. It is counted, unless the entry would have left it out. */
static __noinline int untimed(int legacy, void *ctx, struct slot *home, __u32 stands_for)
{
	struct task_struct *task = current_task(legacy);
	__u32 mode = probing;
	struct cell *cell;

	if (!home || mode & MODE_OFF || excluded(legacy, mode, task))
		return 0;
	cell = cell_of(legacy, task, regs_of(legacy, task), home, number(home, ctx));
	if (!cell)
		return 0;
	cell->preempted += stands_for;
	if (denied(legacy, ctx))
		cell->denials += stands_for;
	return 0;
}

/* The helpers are called first: what the compiler keeps across a call it spills. */
static __always_inline int leave(int legacy, void *ctx, struct slot *slot, struct slot *home)
{
	struct task_struct *task;
	struct cell *cell;
	__u64 frame, ns;
	void *regs;
	__u32 b;

	if (!slot)
		return untimed(legacy, ctx, home, 1);
	frame = slot->frame;
	/* Always: a start that stays behind could meet an exit whose entry was missed. */
	slot->frame = 0;
	if (unlikely(frame != (__u64)ctx))
		return number(home, ctx) == ~frame ? 0 : untimed(legacy, ctx, home, 1);
	ns = bpf_ktime_get_ns() - slot->start;
	task = current_task(legacy);
	regs = regs_of(legacy, task);
	if (slot->switches && slot->switches != TASK(legacy, task, nivcsw) + 1)
		return untimed(legacy, ctx, home, sample_of);

	cell = cell_of(legacy, task, regs, home, frame);
	if (!cell)
		return 0;
	if (unlikely(denied(legacy, ctx)))
		cell->denials += sample_of;
	b = bucket(ns);
	cell->sum += ns;
	if (b < BUCKETS)
		cell->readings[b]++;
	return 0;
}

static __always_inline struct slot *home_slot(void)
{
	return &slots[bpf_get_smp_processor_id() & (MAX_CPUS - 1)];
}

SEC("fentry")
int probe_enter(void *ctx)
{
	struct slot *home = home_slot();

	return enter(0, ctx, home, home);
}

SEC("fexit")
int probe_exit(void *ctx)
{
	struct slot *home = home_slot();

	return leave(0, ctx, home, home);
}

SEC("fentry")
int probe_enter_sleepable(void *ctx)
{
	if (!probing)
		return 0;
	return enter(0, ctx,
		     bpf_task_storage_get(&task_slots, bpf_get_current_task_btf(), 0, BPF_LOCAL_STORAGE_GET_F_CREATE),
		     home_slot());
}

SEC("fexit")
int probe_exit_sleepable(void *ctx)
{
	return leave(0, ctx, bpf_task_storage_get(&task_slots, bpf_get_current_task_btf(), 0, 0), home_slot());
}

SEC("fentry")
int probe_enter_legacy(void *ctx)
{
	struct slot *home = home_slot();

	return enter(1, ctx, home, home);
}

SEC("fexit")
int probe_exit_legacy(void *ctx)
{
	struct slot *home = home_slot();

	return leave(1, ctx, home, home);
}

/* Keeps the enums in the object's BTF, for bpf2go. */
enum syscall_kind *_syscall_kind __attribute__((unused));
enum no_syscall *_no_syscall __attribute__((unused));
enum mode *_mode __attribute__((unused));

char LICENSE[] SEC("license") = "Dual BSD/GPL";
