/*
 * Does what the dynamic loader does before main. UnixBench's tests are dynamically linked: an execl of one opens four
 * files (program, loader, the loader's cache, libc), maps sixteen times and takes page faults, and a fork copies all
 * of that.
 *
 * This program is static, so that it also runs where there is no libc. Here it makes the same system calls with the
 * same sizes, with its own file in place of the loader, the cache and libc. LSM hooks then run equally often, for
 * example file_open 4 times and mmap_file 16 times per execl. As for UnixBench, inode_permission depends on the depth
 * of the paths.
 */
#include "suite.h"

enum {
	PAGE = 4096,
	/* Bytes that one fault on a file maps around it. */
	WINDOW = 16 * PAGE,
	CACHE_SIZE = 37003,
	LOADER_TEXT = 155648,
	LOADER_CONST = 40960,
	LOADER_DATA = 12288,
	/* Sizes of Debian 12's libc. Extract pads this program's file to them. A shorter file takes fewer faults. */
	LIBC_SIZE = 1974096,
	LIBC_TEXT_AT = 0x26000,
	LIBC_TEXT = 1400832,
	LIBC_CONST_AT = 0x17c000,
	LIBC_CONST = 339968,
	/* The touched part: 15 and 3 faults. Resolving libc's own functions for the CPU touches most of its text. */
	LIBC_TEXT_USED = 15 * WINDOW,
	LIBC_CONST_USED = 3 * WINDOW,
	/* Anonymous pages that are written: libc's variables, thread-local memory, the heap. */
	LIBC_BSS_USED = 5 * PAGE,
	THREAD_USED = 2 * PAGE,
	HEAP_USED = PAGE,
	/* The same for the program itself. */
	PROGRAM_FAULTS = 3,
	LIBC_DATA_AT = 0x1cf000,
	LIBC_DATA = 24576,
	LIBC_BSS = 53072,
	ST_SIZE = 48 / 8,
};

static u64 file_size;

static u64 map(u64 at, size_t size, int protection, long fd, u64 offset)
{
	int flags = MAP_PRIVATE | (at ? MAP_FIXED : 0) | (fd < 0 ? MAP_ANONYMOUS : 0);

	return must("mmap", SYS(mmap, at, size, protection, flags, fd, offset));
}

static long open_self(void)
{
	return must("open the program", SYS(openat, AT_FDCWD, self_path, O_RDONLY | O_CLOEXEC));
}

static void ask_size(long fd)
{
	u64 stat[32];

	must("fstat", SYS(newfstatat, fd, "", stat, AT_EMPTY_PATH));
	file_size = stat[ST_SIZE];
}

/* One fault per window, up to the end of the file. */
static void look(u64 at, u64 offset, size_t size)
{
	for (u64 i = 0; i < size && offset + i < file_size; i += WINDOW)
		(void)*(volatile u8 *)(at + i);
}

/* One fault per page, which is copied, after one for reading: the loader reads the data first. */
static void touch_file(u64 at, u64 offset, size_t size)
{
	look(at, offset, 1);
	for (u64 i = 0; i < size && offset + i < file_size; i += PAGE)
		*(volatile u8 *)(at + i) += 1;
}

/* One fault per page, which is cleared. */
static void touch_fresh(u64 at, size_t size)
{
	for (u64 i = 0; i < size; i += PAGE)
		*(volatile u8 *)(at + i) = 1;
}

static u64 load_cache(void)
{
	long fd = open_self();
	u64 at;

	ask_size(fd);
	at = map(0, CACHE_SIZE, PROT_READ, fd, 0);
	SYS(close, fd);
	look(at, 0, CACHE_SIZE);
	return at;
}

/*
 * The part that the kernel does in an execve of a dynamic program: it reads the loader's name and two headers, and
 * makes the loader's four mappings and a fourth one of the program, which has three here.
 */
static u64 load_loader(char *header)
{
	long fd = open_self();
	u64 at, data;

	must("read the program", SYS(pread64, fd, header, 28, 0));
	must("read the program", SYS(pread64, fd, header, 64, 0));
	must("read the program", SYS(pread64, fd, header, 616, 64));
	map(0, PAGE, PROT_READ, fd, 0);
	at = map(0, PAGE + LOADER_TEXT + LOADER_CONST + LOADER_DATA, PROT_READ, fd, 0);
	map(at + PAGE, LOADER_TEXT, PROT_READ | PROT_EXEC, fd, PAGE);
	map(at + PAGE + LOADER_TEXT, LOADER_CONST, PROT_READ, fd, PAGE + LOADER_TEXT);
	data = map(at + PAGE + LOADER_TEXT + LOADER_CONST, LOADER_DATA, PROT_READ | PROT_WRITE, fd,
		   PAGE + LOADER_TEXT + LOADER_CONST);
	SYS(close, fd);
	return data;
}

static void use_loader(u64 data)
{
	u64 at = data - PAGE - LOADER_TEXT - LOADER_CONST;

	look(at, 0, PAGE);
	look(at + PAGE, PAGE, LOADER_TEXT);
	look(at + PAGE + LOADER_TEXT, PAGE + LOADER_TEXT, LOADER_CONST);
	touch_file(data, PAGE + LOADER_TEXT + LOADER_CONST, LOADER_DATA);
}

static u64 load_libc(char *header)
{
	long fd = open_self();
	u64 at, data;

	must("read the program", SYS(read, fd, header, 832));
	must("read the program", SYS(pread64, fd, header, 784, 64));
	ask_size(fd);
	must("read the program", SYS(pread64, fd, header, 784, 64));
	at = map(0, LIBC_SIZE, PROT_READ, fd, 0);
	map(at + LIBC_TEXT_AT, LIBC_TEXT, PROT_READ | PROT_EXEC, fd, LIBC_TEXT_AT);
	map(at + LIBC_CONST_AT, LIBC_CONST, PROT_READ, fd, LIBC_CONST_AT);
	data = map(at + LIBC_DATA_AT, LIBC_DATA, PROT_READ | PROT_WRITE, fd, LIBC_DATA_AT);
	map(data + LIBC_DATA, LIBC_BSS, PROT_READ | PROT_WRITE, -1, 0);
	SYS(close, fd);
	look(at, 0, LIBC_TEXT_AT);
	look_up(at, file_size);
	look(at + LIBC_TEXT_AT, LIBC_TEXT_AT, LIBC_TEXT_USED);
	look(at + LIBC_CONST_AT, LIBC_CONST_AT, LIBC_CONST_USED);
	touch_file(data, LIBC_DATA_AT, LIBC_DATA);
	touch_fresh(data + LIBC_DATA, LIBC_BSS_USED);
	return data;
}

void load_like_dynamic(void)
{
	static u8 list[24];
	char header[832];
	u64 limit[2], heap, loader, cache, libc;

	SYS(brk, 0);
	ask_cpu();
	touch_pages(0, PROGRAM_FAULTS);
	loader = load_loader(header);
	heap = map(0, 2 * PAGE, PROT_READ | PROT_WRITE, -1, 0);
	touch_fresh(heap, HEAP_USED);
	/* The loader looks for preloads and finds none. */
	SYS(faccessat, AT_FDCWD, "/etc/ld.so.preload", 4);
	cache = load_cache();
	use_loader(loader);
	libc = load_libc(header);
	/* Thread-local memory. */
	touch_fresh(map(0, 3 * PAGE, PROT_READ | PROT_WRITE, -1, 0), THREAD_USED);
	SYS(set_tid_address, list);
	SYS(set_robust_list, list, sizeof(list));
	must("mprotect", SYS(mprotect, libc, 4 * PAGE, PROT_READ));
	must("mprotect", SYS(mprotect, heap, PAGE, PROT_READ));
	must("mprotect", SYS(mprotect, loader, 2 * PAGE, PROT_READ));
	must("prlimit64", SYS(prlimit64, 0, 3, 0, limit));
	must("munmap", SYS(munmap, cache, CACHE_SIZE));
}
