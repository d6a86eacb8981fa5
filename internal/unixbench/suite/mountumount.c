/* Hook probe: bind mounts a directory on itself and unmounts it. Needs CAP_SYS_ADMIN in its user namespace. */
#include "suite.h"

enum { MS_BIND = 4096, MS_PRIVATE = 1 << 18, MNT_DETACH = 2 };

static const char point[] = "mount";

static void setup(void)
{
	must("mkdir", SYS(mkdirat, AT_FDCWD, point, 0700));
}

static void operation(void)
{
	must("mount", SYS(mount, point, point, 0, MS_BIND, 0));
	must("umount", SYS(umount2, point, 0));
}

static void teardown(void)
{
	SYS(umount2, point, MNT_DETACH);
	SYS(unlinkat, AT_FDCWD, point, AT_REMOVEDIR);
}

const struct test test_mountumount = { .name = "mountumount",
				       .setup = setup,
				       .operation = operation,
				       .teardown = teardown,
				       .batch = 1,
				       .timebase = 1,
				       .work_dir = 1 };
