/* One execve of itself per operation, in one chain: the process stays, its program starts anew.
 *
 * Whatever must survive goes through the argument, as nothing else does without system calls of its own (a shared page would have to be
 * mapped again: a mmap_file more in every operation). Standard input and output, CPU affinity and the parked state survive by themselves.
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
