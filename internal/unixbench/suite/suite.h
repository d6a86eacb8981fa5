/* What the tests share. One test or family of tests a file; run.c lets them run. */
#pragma once

#include "sys.h"

struct test {
	const char *name;
	void (*setup)(void);
	/* One operation, as UnixBench counts them; it ends the process (fail) where anything is not as it must be. */
	void (*operation)(void);
	/* After a slice, outside of the time: are the results what they should be? */
	void (*check)(void);
	/* Undoes setup; also called from the signal handler, so it may find setup half done. */
	void (*teardown)(void);
	/* Operations between two looks at the clock: 20-50 us, so that the clock stays under 1 % of the time. */
	u32 batch;
	/* For the COUNT line: operations x timebase per second is the score; bytes: KBps instead. */
	u32 timebase;
	u32 bytes;
	u8 work_dir;
};

/* A slice, or the rest of one: execl hands it on to its next incarnation. */
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
/* The path this program was executed by. */
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
/* Says "suite: TEST: operation: errno N" and ends with status 1; everything is cleaned up. */
void fail(const char *operation, long error) __attribute__((noreturn));
/* The same with a sentence for the errno. */
void fail_text(const char *operation, const char *text) __attribute__((noreturn));
/* The result of a system call that must not fail. */
static inline long must(const char *operation, long result)
{
	if (__builtin_expect(result < 0, 0))
		fail(operation, result);
	return result;
}
void leave(int status) __attribute__((noreturn));
void leave_on_signals(void);

/* workdir.c: DIR/suite-PID, which is the current directory of the tests that need one. */
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

/* loader.c: what that costs beside its system calls. */
void ask_cpu(void);
void look_up(u64 table, u64 size);
/* A page fault each where they are fresh or shared with a child. */
void touch_pages(u32 first, u32 count);

/* run.c */
void run_slice(void);
void run_resumed(const char *state);
char *slice_state(char *to);
void run(void) __attribute__((noreturn));
