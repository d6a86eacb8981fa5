/* What the tests share. One file has one test or family of tests; run.c runs them. */
#pragma once

#include "sys.h"

struct test {
	const char *name;
	void (*setup)(void);
	/* Does one operation as UnixBench counts them. Ends the process (fail) if anything is wrong. */
	void (*operation)(void);
	/* Checks the results after a slice, outside the time. */
	void (*check)(void);
	/* Undoes setup. The signal handler calls it, too, so setup may be incomplete. */
	void (*teardown)(void);
	/* Operations between two readings of the clock: 20 to 50 us, so that these take less than 1 % of the time. */
	u32 batch;
	/* For the COUNT line: the score is operations x timebase per second or, with bytes, KBps. */
	u32 timebase;
	u32 bytes;
	u8 work_dir;
};

/* A slice, or the rest of one: execl passes it on to its next incarnation. */
struct slice {
	u64 skip_ns;
	u64 run_ns;
	u64 entered_ns;
	u64 begun_ns;
	u64 operations;
	u64 elapsed_ns;
};

struct options {
	const struct test *test;
	const char *dir;
	const char *cpus;
	u64 duration_ns;
	u8 sliced;
	u8 no_pin;
};

extern struct options options;
extern struct slice slice;
extern char **environment;
/* The path by which this program was executed. */
extern const char *self_path;

extern const struct test test_syscall, test_pipe, test_context1, test_spawn, test_execl, test_fsbuffer, test_fstime,
	test_fsdisk, test_shell1, test_shell8, test_openclose, test_stat, test_createunlink, test_rename, test_link,
	test_symlink, test_socket, test_connect, test_mountumount, test_ptrace, test_capable, test_forkexec;

/* lib.c */
size_t length(const char *s);
int equal(const char *a, const char *b);
char *append(char *to, const char *s);
char *append_number(char *to, u64 n);
u64 number(const char *s, const char **end);
void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
u64 now(void);

/* fail.c */
/* Prints "suite: TEST: operation: errno N", cleans up and exits with status 1. */
void fail(const char *operation, long error) __attribute__((noreturn));
/* The same with a message instead of the errno. */
void fail_text(const char *operation, const char *text) __attribute__((noreturn));
/* Returns the result of a system call that must not fail. */
static inline long must(const char *operation, long result)
{
	if (__builtin_expect(result < 0, 0))
		fail(operation, result);
	return result;
}
void leave(int status) __attribute__((noreturn));
void leave_on_signals(void);

/* workdir.c: DIR/suite-PID, the current directory of tests that need one. */
void work_dir_enter(void);
void work_dir_remove(void);
void write_file(const char *name, const char *content, size_t size, u32 mode);
size_t read_file(const char *name, char *to, size_t size);

/* process.c */
long fork_process(void);
int wait_status(long pid);
void wait_for(const char *operation, long pid);
void pin(void);

/* dynamic.c: what a dynamically linked program does before its main. */
void load_like_dynamic(void);

/* loader.c: costs of that other than system calls. */
void ask_cpu(void);
void look_up(u64 table, u64 size);
/* Takes a page fault for each that is fresh or shared with a child. */
void touch_pages(u32 first, u32 count);

/* run.c */
void run_slice(void);
void run_resumed(const char *state);
char *slice_state(char *to);
void run(void) __attribute__((noreturn));
