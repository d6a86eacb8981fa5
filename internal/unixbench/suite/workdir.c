/* Every process has its own directory, so that copies of a test do not interfere. */
#include "suite.h"

static char path[512];
static u8 made;

void work_dir_enter(void)
{
	if (length(options.dir) > sizeof(path) - 32)
		fail("--dir", -ENAMETOOLONG);
	append_number(append(append(path, options.dir), "/suite-"), SYS(getpid, 0));
	must("mkdir", SYS(mkdirat, AT_FDCWD, path, 0700));
	made = 1;
	must("chdir", SYS(chdir, path));
}

void work_dir_remove(void)
{
	if (made)
		SYS(unlinkat, AT_FDCWD, path, AT_REMOVEDIR);
}

void write_file(const char *name, const char *content, size_t size, u32 mode)
{
	long fd = must("create a file", SYS(openat, AT_FDCWD, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));

	if (must("write a file", SYS(write, fd, content, size)) != (long)size)
		fail_text("write a file", "a short write: is the disk full?");
	SYS(close, fd);
}

size_t read_file(const char *name, char *to, size_t size)
{
	long fd = must("open a result", SYS(openat, AT_FDCWD, name, O_RDONLY | O_CLOEXEC));
	size_t have = 0;
	long n;

	while (have < size && (n = must("read a result", SYS(read, fd, to + have, size - have))) > 0)
		have += n;
	SYS(close, fd);
	return have;
}
