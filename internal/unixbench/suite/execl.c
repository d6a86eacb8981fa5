/*
 * One execve of itself per operation, in one chain: the process stays and its program starts again.
 *
 * State that must survive is passed in an argument, because anything else needs further system calls. A shared page,
 * for example, would have to be mapped again: one more mmap_file in every operation. Standard input and output, CPU
 * affinity and being parked survive by themselves.
 */
#include "suite.h"

static void operation(void)
{
	char state[160];
	char *argv[] = { "suite", "--resume", state, 0 };

	slice_state(state);
	fail("execve", SYS(execve, self_path, argv, environment));
}

const struct test test_execl = { .name = "execl", .operation = operation, .batch = 1, .timebase = 1 };
