/*
 * Runs the system's own shell and tools: a script starts 1 or 8 copies of another in the background, each of which
 * sorts, dumps and searches a text, with nine forks and execs as in UnixBench. Only these tests need programs of the
 * machine.
 */
#include "suite.h"

enum { LINES = 120, WIDTH = 71, MATCHES = LINES / 8 };

static const char input[] = "input", outer[] = "outer.sh", inner[] = "inner.sh";

/* Fails if any copy fails. A shell's wait without a pid would not. */
static const char outer_script[] = "#!/bin/sh\n"
				   "copies= n=0\n"
				   "while [ $n -lt $1 ]; do\n"
				   "	n=$((n + 1))\n"
				   "	/bin/sh ./inner.sh $n $2 &\n"
				   "	copies=\"$copies $!\"\n"
				   "done\n"
				   "for copy in $copies; do wait $copy || exit 1; done\n";

/* A second argument keeps the results for a check. Failures within a pipe show on stderr, which must be empty. */
static const char inner_script[] = "sort <input >sorted.$1 || exit 1\n"
				   "od sorted.$1 | sort -n -k 1 >dump.$1 || exit 1\n"
				   "grep match sorted.$1 | tee found.$1 | wc >count.$1 || exit 1\n"
				   "[ $2 ] || rm sorted.$1 dump.$1 found.$1 count.$1\n";

static const char *const results[] = { "sorted.", "dump.", "found.", "count." };
static char text[LINES * WIDTH], sorted[LINES * WIDTH];
static int errors[2];
static u64 expected_hash;

static int copies(void)
{
	return options.test == &test_shell8 ? 8 : 1;
}

/* 8.5 KB: lines that begin with unordered numbers. Every eighth has the word. */
static void write_line(char *to, u32 value)
{
	char *end = append(append_number(to, 10000 + value), value % 8 ? " line " : " match ");
	char *last = to + WIDTH - 1;

	for (; end < last; end++)
		*end = 'a' + (value + (last - end)) % 26;
	*last = '\n';
}

static char *result_name(char *to, int result, int copy)
{
	append_number(append(to, results[result]), copy);
	return to;
}

static void no_complaints(void)
{
	char message[200];
	long n = SYS(read, errors[0], message, sizeof(message) - 1);

	if (n <= 0)
		return;
	message[n] = 0;
	for (long i = 0; i < n; i++)
		if (message[i] == '\n')
			message[i] = ' ';
	fail_text("script", message);
}

static void start(const char *keep)
{
	char count[8];
	char *argv[] = { "./outer.sh", count, (char *)keep, 0 };
	long pid = fork_process();

	append_number(count, copies());
	if (!pid) {
		SYS(dup3, errors[1], 2, 0);
		/* The parent cleans up. Without anything on stderr the status is the errno. */
		SYS(exit_group, -SYS(execve, argv[0], argv, environment));
	}

	int status = wait_status(pid);

	if (status) {
		no_complaints();
		fail("execve the script and its /bin/sh", -(status >> 8 & 0xff));
	}
}

static void operation(void)
{
	start(0);
}

static u64 hash(u64 seed, const char *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		seed = (seed ^ (u8)data[i]) * 0x100000001b3;
	return seed;
}

/* One more run that keeps its results. Sorted text and number of matches are known, the rest must be as at first. */
static void check(void)
{
	static char data[16 * sizeof(text)];
	u64 now = 0xcbf29ce484222325;

	no_complaints();
	start("keep");
	no_complaints();
	for (int copy = 1; copy <= copies(); copy++) {
		u64 copy_hash = 0xcbf29ce484222325;

		for (int result = 0; result < 4; result++) {
			char name[32];
			size_t size = read_file(result_name(name, result, copy), data, sizeof(data));
			const char *end = data;

			must("remove a result", SYS(unlinkat, AT_FDCWD, name, 0));
			if (!size)
				fail_text("check", "a tool of the shell's pipeline wrote nothing");
			if (result == 0 && (size != sizeof(sorted) || memcmp(data, sorted, size)))
				fail_text("check", "sort did not sort");
			if (result == 2 && size != MATCHES * WIDTH)
				fail_text("check", "grep and tee did not find the lines");
			while (*end == ' ')
				end++;
			if (result == 3 && number(end, &end) != MATCHES)
				fail_text("check", "wc did not count the lines");
			copy_hash = hash(copy_hash, data, size);
		}
		now = copy == 1 ? copy_hash : now;
		if (copy_hash != now)
			fail_text("check", "two copies of the script differ in their results");
	}
	if (expected_hash && now != expected_hash)
		fail_text("check", "the results of the script have changed");
	expected_hash = now;
}

static void setup(void)
{
	for (u32 i = 0; i < LINES; i++) {
		write_line(sorted + i * WIDTH, i);
		write_line(text + i * WIDTH, i * 77 % LINES);
	}
	must("pipe", SYS(pipe2, errors, O_CLOEXEC | O_NONBLOCK));
	write_file(input, text, sizeof(text), 0600);
	write_file(outer, outer_script, sizeof(outer_script) - 1, 0700);
	write_file(inner, inner_script, sizeof(inner_script) - 1, 0600);
	check();
}

/* A script may be running when a signal comes. Wait for it, or it would go on writing files. */
static void teardown(void)
{
	long got;
	char name[32];

	do
		got = SYS(wait4, -1, 0, 0, 0);
	while (got > 0 || got == -EINTR);
	for (int copy = 1; copy <= copies(); copy++)
		for (int result = 0; result < 4; result++)
			SYS(unlinkat, AT_FDCWD, result_name(name, result, copy), 0);
	SYS(unlinkat, AT_FDCWD, input, 0);
	SYS(unlinkat, AT_FDCWD, outer, 0);
	SYS(unlinkat, AT_FDCWD, inner, 0);
}

#define SHELL(NAME)                                               \
	const struct test test_##NAME = { .name = #NAME,          \
					  .setup = setup,         \
					  .operation = operation, \
					  .check = check,         \
					  .teardown = teardown,   \
					  .batch = 1,             \
					  .timebase = 60,         \
					  .work_dir = 1 }

SHELL(shell1);
SHELL(shell8);
