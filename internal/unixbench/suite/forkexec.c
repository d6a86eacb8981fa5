/* Hook probe: fork, execve of this static program, wait. The bprm hooks run once, with little else around them. */
#include "suite.h"

static void operation(void)
{
	static char *const argv[] = { "suite", "--exit", 0 };
	long pid = fork_process();

	if (!pid) {
		long error = SYS(execve, self_path, argv, environment);

		/* The parent cleans up when it sees the status. */
		SYS(exit_group, error < 0 && -error < 256 ? -error : 255);
	}
	wait_for("execve (a status is its errno)", pid);
}

const struct test test_forkexec = { .name = "forkexec", .operation = operation, .batch = 1, .timebase = 1 };
