/* Five system calls that reach no LSM hook: a control. */
#include "suite.h"

static int fd;

/* The descriptor belongs to a pipe, as in UnixBench. Closing a copy of it does nothing else. */
static void setup(void)
{
	int fds[2];

	must("pipe", SYS(pipe2, fds, 0));
	fd = fds[0];
}

static void operation(void)
{
	SYS(close, must("dup", SYS(dup, fd)));
	SYS(getpid, 0);
	SYS(getuid, 0);
	SYS(umask, 022);
}

const struct test test_syscall = {
	.name = "syscall", .setup = setup, .operation = operation, .batch = 64, .timebase = 1
};
