/* Hook probes for names: open, stat, create, unlink, rename, link and symlink of a file in the work directory. */
#include "suite.h"

static const char file[] = "file", other[] = "other";

static void setup(void)
{
	write_file(file, "content\n", 8, 0600);
}

static void teardown(void)
{
	SYS(unlinkat, AT_FDCWD, file, 0);
	SYS(unlinkat, AT_FDCWD, other, 0);
}

/* The state that every operation must leave. */
static void check(void)
{
	char content[16];

	if (read_file(file, content, sizeof(content)) != 8 || memcmp(content, "content\n", 8))
		fail_text("check", "the file is not what it was");
}

static void openclose(void)
{
	SYS(close, must("open", SYS(openat, AT_FDCWD, file, O_RDONLY | O_CLOEXEC)));
}

static void stat(void)
{
	char result[256];

	must("stat", SYS(newfstatat, AT_FDCWD, file, result, 0));
}

static void createunlink(void)
{
	SYS(close, must("create", SYS(openat, AT_FDCWD, other, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)));
	must("unlink", SYS(unlinkat, AT_FDCWD, other, 0));
}

/* There and back are two operations. After an odd number the name is restored before the check. */
static u8 away;

static void rename(void)
{
	must("rename", SYS(renameat2, AT_FDCWD, away ? other : file, AT_FDCWD, away ? file : other, 0));
	away = !away;
}

static void check_rename(void)
{
	if (away)
		rename();
	check();
}

static void link(void)
{
	must("link", SYS(linkat, AT_FDCWD, file, AT_FDCWD, other, 0));
	must("unlink", SYS(unlinkat, AT_FDCWD, other, 0));
}

static void symlink(void)
{
	must("symlink", SYS(symlinkat, file, AT_FDCWD, other));
	must("unlink", SYS(unlinkat, AT_FDCWD, other, 0));
}

#define PROBE(NAME, CHECK)                                      \
	const struct test test_##NAME = { .name = #NAME,        \
					  .setup = setup,       \
					  .operation = NAME,    \
					  .check = CHECK,       \
					  .teardown = teardown, \
					  .batch = 16,          \
					  .timebase = 1,        \
					  .work_dir = 1 }

PROBE(openclose, check);
PROBE(stat, check);
PROBE(createunlink, check);
PROBE(rename, check_rename);
PROBE(link, check);
PROBE(symlink, check);
