/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* The return value of the target, which the exit probe finds behind the arguments. */
#ifndef LSMPROF_RETURN_H
#define LSMPROF_RETURN_H

#include "kernel.h"

#define NO_RETURN 255

/* Set before the load: arguments of the hook (legacy probes); NO_RETURN where it is void. */
const volatile __u8 arguments;

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

#endif
