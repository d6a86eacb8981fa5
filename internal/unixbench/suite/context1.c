/* A number goes to the child through one pipe and back through another: two switches, file_permission four times. */
#include "suite.h"

static int to_child[2], to_parent[2];
static u64 count;

/* Echoes until the parent exits. Between slices it blocks in read. */
static void child(void)
{
	u64 value, expected = 0;

	SYS(close, to_child[1]);
	SYS(close, to_parent[0]);
	while (SYS(read, to_child[0], &value, sizeof(value)) == sizeof(value)) {
		if (value != expected++ || SYS(write, to_parent[1], &value, sizeof(value)) != sizeof(value))
			SYS(exit_group, 1);
	}
	SYS(exit_group, 0);
}

static void setup(void)
{
	must("pipe", SYS(pipe2, to_child, 0));
	must("pipe", SYS(pipe2, to_parent, 0));
	if (!fork_process())
		child();
	SYS(close, to_child[0]);
	SYS(close, to_parent[1]);
}

static void operation(void)
{
	u64 value = count;

	if (must("write", SYS(write, to_child[1], &value, sizeof(value))) != sizeof(value))
		fail_text("write", "a short write");
	if (must("read", SYS(read, to_parent[0], &value, sizeof(value))) != sizeof(value))
		fail_text("read", "the child is gone");
	if (value != count++)
		fail_text("read", "not the number that was sent");
}

const struct test test_context1 = {
	.name = "context1", .setup = setup, .operation = operation, .batch = 8, .timebase = 1
};
