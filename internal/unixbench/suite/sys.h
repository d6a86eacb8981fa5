/* The kernel without a libc and its headers: raw system calls. An error is a negative errno. */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint32_t u32;
typedef uint64_t u64;

#if defined(__x86_64__)
#include "sys_amd64.h"
#elif defined(__aarch64__)
#include "sys_arm64.h"
#else
#error "no system calls for this architecture"
#endif

#define SYS(name, ...) SYS_PICK(__VA_ARGS__, SYS6, SYS5, SYS4, SYS3, SYS2, SYS1)(name, __VA_ARGS__)
#define SYS_PICK(a, b, c, d, e, f, pick, ...) pick
#define SYS1(n, a) syscall6(NR_##n, (long)(a), 0, 0, 0, 0, 0)
#define SYS2(n, a, b) syscall6(NR_##n, (long)(a), (long)(b), 0, 0, 0, 0)
#define SYS3(n, a, b, c) syscall6(NR_##n, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define SYS4(n, a, b, c, d) syscall6(NR_##n, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define SYS5(n, a, b, c, d, e) syscall6(NR_##n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)
#define SYS6(n, a, b, c, d, e, f) syscall6(NR_##n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

enum {
	EINTR = 4,
	EAGAIN = 11,
	ECHILD = 10,
	ENOENT = 2,
	EINVAL = 22,
	EIO = 5,
	ENAMETOOLONG = 36,
	AT_FDCWD = -100,
	AT_EMPTY_PATH = 0x1000,
	AT_REMOVEDIR = 0x200,
	AT_EXECFN = 31,
	O_RDONLY = 0,
	O_WRONLY = 1,
	O_RDWR = 2,
	O_CREAT = 0100,
	O_EXCL = 0200,
	O_TRUNC = 01000,
	O_NONBLOCK = 04000,
	O_CLOEXEC = 02000000,
	SIGHUP = 1,
	SIGINT = 2,
	SIGKILL = 9,
	SIGPIPE = 13,
	SIGTERM = 15,
	SIGCHLD = 17,
	PROT_READ = 1,
	PROT_WRITE = 2,
	PROT_EXEC = 4,
	MAP_PRIVATE = 2,
	MAP_FIXED = 0x10,
	MAP_ANONYMOUS = 0x20,
	CLOCK_MONOTONIC = 1,
	ADDR_NO_RANDOMIZE = 0x40000,
	PR_SET_PDEATHSIG = 1,
};
