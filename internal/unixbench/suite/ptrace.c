/* Hook probe: attaches to a sleeping child, waits for its stop and detaches. */
#include "suite.h"

enum { PTRACE_ATTACH = 16, PTRACE_DETACH = 17 };

static long child;

static void setup(void)
{
	child = fork_process();
	if (child)
		return;
	/* If the parent is killed, this process must end, too. */
	SYS(prctl, PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		SYS(ppoll, 0, 0, 0, 0, 8);
}

static void operation(void)
{
	int status;

	must("attach", SYS(ptrace, PTRACE_ATTACH, child, 0, 0));
	must("wait", SYS(wait4, child, &status, 0, 0));
	if ((status & 0xff) != 0x7f)
		fail_text("wait", "the child has not stopped but ended");
	must("detach", SYS(ptrace, PTRACE_DETACH, child, 0, 0));
}

static void teardown(void)
{
	if (child > 0)
		SYS(kill, child, SIGKILL);
}

const struct test test_ptrace = {
	.name = "ptrace", .setup = setup, .operation = operation, .teardown = teardown, .batch = 1, .timebase = 1
};
