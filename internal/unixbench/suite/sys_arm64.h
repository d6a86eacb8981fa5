#pragma once

enum {
	NR_dup = 23,
	NR_dup3 = 24,
	NR_mkdirat = 34,
	NR_unlinkat = 35,
	NR_symlinkat = 36,
	NR_linkat = 37,
	NR_umount2 = 39,
	NR_mount = 40,
	NR_faccessat = 48,
	NR_chdir = 49,
	NR_openat = 56,
	NR_close = 57,
	NR_pipe2 = 59,
	NR_lseek = 62,
	NR_read = 63,
	NR_write = 64,
	NR_pread64 = 67,
	NR_ppoll = 73,
	NR_newfstatat = 79,
	NR_personality = 92,
	NR_exit_group = 94,
	NR_set_tid_address = 96,
	NR_set_robust_list = 99,
	NR_clock_gettime = 113,
	NR_ptrace = 117,
	NR_sched_setaffinity = 122,
	NR_sched_getaffinity = 123,
	NR_kill = 129,
	NR_rt_sigaction = 134,
	NR_umask = 166,
	NR_prctl = 167,
	NR_getpid = 172,
	NR_getuid = 174,
	NR_socket = 198,
	NR_connect = 203,
	NR_brk = 214,
	NR_munmap = 215,
	NR_clone = 220,
	NR_execve = 221,
	NR_mmap = 222,
	NR_mprotect = 226,
	NR_wait4 = 260,
	NR_prlimit64 = 261,
	NR_renameat2 = 276,
};

static inline long syscall6(long number, long a, long b, long c, long d, long e, long f)
{
	register long x8 asm("x8") = number;
	register long x0 asm("x0") = a;
	register long x1 asm("x1") = b;
	register long x2 asm("x2") = c;
	register long x3 asm("x3") = d;
	register long x4 asm("x4") = e;
	register long x5 asm("x5") = f;

	asm volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
	return x0;
}
