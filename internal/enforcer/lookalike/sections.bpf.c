//go:build ignore

// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/* Programs whose sections take known numbers of instructions, for tests of the lines in which a program spends its
 * time. One turn is the same three instructions everywhere, and a line of turns takes one more. */
#include "lookalike.h"

#define TURNS(n) asm volatile("r0 = %0; r0 += -1; if r0 != 0 goto -2" ::"i"(n) : "r0")
/* What a function begins with is charged to its first line. This is one that is not compared. */
#define PROLOGUE asm volatile("r0 = 0" ::: "r0")

static __always_inline void inlined(void)
{
	TURNS(200); /* line: inlined */
}

static __noinline int subprogram(int arg)
{
	PROLOGUE;
	TURNS(300); /* line: subprogram */
	return arg;
}

__noinline int global_function(int arg)
{
	PROLOGUE;
	TURNS(400); /* line: global */
	return arg;
}

SEC("lsm/task_getsid")
int sections(void *ctx)
{
	PROLOGUE;
	TURNS(100); /* line: main */
	inlined();
	subprogram(1);
	return global_function(0) & 0;
}

static long callback(__u32 i, void *ctx)
{
	PROLOGUE;
	TURNS(50); /* line: callback */
	return 0;
}

/* Since Linux 5.17. */
SEC("lsm/task_getscheduler")
int sections_loop(void *ctx)
{
	PROLOGUE;
	bpf_loop(10, callback, 0, 0); /* line: loop */
	TURNS(500); /* line: after the loop */
	return 0;
}

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} sections_called SEC(".maps");

SEC("lsm/task_getioprio")
int sections_tail(void *ctx)
{
	PROLOGUE;
	TURNS(250); /* line: before the tail call */
	bpf_tail_call(ctx, &sections_called, 0);
	return 0;
}

SEC("lsm/task_getioprio")
int sections_continued(void *ctx)
{
	PROLOGUE;
	TURNS(750); /* line: continued */
	return 0;
}

SEC("lsm.s/capget")
int sections_sleepable(void *ctx)
{
	PROLOGUE;
	TURNS(600); /* line: sleepable */
	TURNS(400); /* line: sleepable, too */
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
