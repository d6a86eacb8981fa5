/* 512 bytes into a pipe and out of it, in one process: file_permission twice. */
#include "suite.h"

static int fds[2];
static char buffer[512];

static void setup(void)
{
	must("pipe", SYS(pipe2, fds, 0));
}

static void operation(void)
{
	if (must("write", SYS(write, fds[1], buffer, sizeof(buffer))) != sizeof(buffer))
		fail_text("write", "a short write");
	if (must("read", SYS(read, fds[0], buffer, sizeof(buffer))) != sizeof(buffer))
		fail_text("read", "a short read");
}

const struct test test_pipe = { .name = "pipe", .setup = setup, .operation = operation, .batch = 64, .timebase = 1 };
