#pragma once

enum {
	NR_read = 0,
	NR_write = 1,
	NR_close = 3,
	NR_lseek = 8,
	NR_mmap = 9,
	NR_mprotect = 10,
	NR_munmap = 11,
	NR_brk = 12,
	NR_rt_sigaction = 13,
	NR_rt_sigreturn = 15,
	NR_pread64 = 17,
	NR_dup = 32,
	NR_getpid = 39,
	NR_socket = 41,
	NR_connect = 42,
	NR_clone = 56,
	NR_execve = 59,
	NR_wait4 = 61,
	NR_kill = 62,
	NR_chdir = 80,
	NR_umask = 95,
	NR_ptrace = 101,
	NR_getuid = 102,
	NR_personality = 135,
	NR_prctl = 157,
	NR_mount = 165,
	NR_umount2 = 166,
	NR_set_tid_address = 218,
	NR_clock_gettime = 228,
	NR_exit_group = 231,
	NR_openat = 257,
	NR_mkdirat = 258,
	NR_newfstatat = 262,
	NR_unlinkat = 263,
	NR_linkat = 265,
	NR_symlinkat = 266,
	NR_faccessat = 269,
	NR_ppoll = 271,
	NR_set_robust_list = 273,
	NR_dup3 = 292,
	NR_pipe2 = 293,
	NR_prlimit64 = 302,
	NR_renameat2 = 316,
	NR_sched_setaffinity = 203,
	NR_sched_getaffinity = 204,
};

static inline long syscall6(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 asm("r10") = d;
	register long r8 asm("r8") = e;
	register long r9 asm("r9") = f;
	long result;

	asm volatile("syscall"
		     : "=a"(result)
		     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
		     : "rcx", "r11", "memory");
	return result;
}

/* On amd64 the program itself must say where a signal handler returns to. */
#define SA_RESTORER 0x04000000
void signal_return(void);
