/* Children, and the CPUs that tests run on. */
#include "suite.h"

long fork_process(void)
{
	return must("fork", SYS(clone, SIGCHLD, 0, 0, 0, 0));
}

int wait_status(long pid)
{
	int status = 0;
	long got;

	do
		got = SYS(wait4, pid, &status, 0, 0);
	while (got == -EINTR);
	must("wait", got);
	return status;
}

/* The child must have ended with status 0. */
void wait_for(const char *operation, long pid)
{
	int status = wait_status(pid);

	if (!status)
		return;

	char text[64];
	if (status & 0x7f)
		append_number(append(text, "the child died of signal "), status & 0x7f);
	else
		append_number(append(text, "the child's exit status is "), status >> 8 & 0xff);
	fail_text(operation, text);
}

/*
 * Pins the test to --cpus. Without it context1 gets the highest allowed CPU: always the same one, so that copies are
 * comparable, and not 0, which takes most interrupts. Over two CPUs its round trip takes ten times as long, and the
 * scheduler changes between one and two.
 */
void pin(void)
{
	u64 mask[128] = { 0 }, allowed[128] = { 0 };
	const char *s = options.cpus;

	if (s) {
		for (;;) {
			const char *end;
			u64 cpu = number(s, &end);

			if (end == s || cpu >= 64 * 128 || (*end && *end != ','))
				fail("--cpus", -EINVAL);
			mask[cpu / 64] |= 1ull << cpu % 64;
			if (!*end)
				break;
			s = end + 1;
		}
	} else if (options.test == &test_context1 && !options.no_pin) {
		long bytes = must("sched_getaffinity", SYS(sched_getaffinity, 0, sizeof(allowed), allowed));
		u64 cpu = bytes * 8;

		while (cpu-- && !(allowed[cpu / 64] >> cpu % 64 & 1))
			;
		mask[cpu / 64] = 1ull << cpu % 64;
	} else {
		return;
	}
	must("sched_setaffinity", SYS(sched_setaffinity, 0, sizeof(mask), mask));
}
