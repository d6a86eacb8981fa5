/*
 * A child that exits at once. Most of its cost is copying the address space and the page faults that follow from
 * sharing it. Therefore it has an address space like that of a dynamic program, and takes as many faults as
 * UnixBench's parent and child: 28.
 */
#include "suite.h"

enum { PARENT_FAULTS = 5, CHILD_FAULTS = 20 };

static void setup(void)
{
	load_like_dynamic();
	touch_pages(0, PARENT_FAULTS + CHILD_FAULTS);
}

static void operation(void)
{
	static u8 robust_list[24];
	long pid = fork_process();

	if (!pid) {
		/* As libc's fork does. */
		SYS(set_robust_list, robust_list, sizeof(robust_list));
		touch_pages(PARENT_FAULTS, CHILD_FAULTS);
		SYS(exit_group, 0);
	}
	touch_pages(0, PARENT_FAULTS);
	wait_for("child", pid);
}

const struct test test_spawn = { .name = "spawn", .setup = setup, .operation = operation, .batch = 1, .timebase = 1 };
