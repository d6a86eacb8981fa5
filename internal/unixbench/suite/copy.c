/* Copies a file in the page cache piece by piece, over and over. fstime, fsbuffer and fsdisk differ in the sizes. */
#include "suite.h"

enum { PATTERN = 251 };

static int from = -1, to = -1;
static char buffer[4096];
static const char source[] = "copy-source", target[] = "copy-target";

/* 500, 2000 and 8000 KiB, because UnixBench's three files have the same number of blocks. */
enum { BLOCKS = 2000 };

static void fill(u32 block)
{
	for (u32 i = 0; i < options.test->bytes; i++)
		buffer[i] = (i + block) % PATTERN;
}

static void rewind(void)
{
	must("lseek", SYS(lseek, from, 0, 0));
	must("lseek", SYS(lseek, to, 0, 0));
}

/* One operation. At the end of the file both files start over, as in UnixBench. */
static void operation(void)
{
	long n = must("read", SYS(read, from, buffer, options.test->bytes));

	if (!n) {
		rewind();
		n = must("read", SYS(read, from, buffer, options.test->bytes));
	}
	if (n != options.test->bytes)
		fail_text("read", "a short read");
	n = must("write", SYS(write, to, buffer, options.test->bytes));
	if (n != options.test->bytes)
		fail_text("write", "a short write: is the disk full?");
}

/* Copies the file once, so that every page is cached and every block allocated, whatever ran before. */
static void setup(void)
{
	from = must("create the source", SYS(openat, AT_FDCWD, source, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
	to = must("create the target", SYS(openat, AT_FDCWD, target, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
	for (u32 i = 0; i < BLOCKS; i++) {
		fill(i);
		if (must("write the source", SYS(write, from, buffer, options.test->bytes)) != options.test->bytes)
			fail_text("write the source", "a short write: is the disk full?");
	}
	rewind();
	for (u32 i = 0; i < BLOCKS; i++)
		operation();
}

/* The first and the last block of the copy must hold what was written to the source. */
static void check(void)
{
	u32 which[] = { 0, BLOCKS - 1 };

	for (int i = 0; i < 2; i++) {
		static char copied[4096];
		long n = must("read the copy",
			      SYS(pread64, to, copied, options.test->bytes, (u64)which[i] * options.test->bytes));

		fill(which[i]);
		if (n != options.test->bytes || memcmp(copied, buffer, n))
			fail_text("check", "the copy differs from its source");
	}
}

static void teardown(void)
{
	SYS(unlinkat, AT_FDCWD, source, 0);
	SYS(unlinkat, AT_FDCWD, target, 0);
}

#define COPY(NAME, BYTES)                                         \
	const struct test test_##NAME = { .name = #NAME,          \
					  .setup = setup,         \
					  .operation = operation, \
					  .check = check,         \
					  .teardown = teardown,   \
					  .batch = 32,            \
					  .bytes = BYTES,         \
					  .work_dir = 1 }

COPY(fsbuffer, 256);
COPY(fstime, 1024);
COPY(fsdisk, 4096);
