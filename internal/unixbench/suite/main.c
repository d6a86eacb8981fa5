/* lsmprof's built-in tests: the same system calls per operation as UnixBench's, in a program without libraries. */
#include "suite.h"

struct options options;
char **environment;
const char *self_path;

static const struct test *const tests[] = {
	&test_execl,	    &test_fstime,  &test_fsbuffer, &test_fsdisk,   &test_pipe,	    &test_context1,
	&test_spawn,	    &test_syscall, &test_shell1,   &test_shell8,   &test_openclose, &test_stat,
	&test_createunlink, &test_rename,  &test_link,	   &test_symlink,  &test_socket,    &test_connect,
	&test_mountumount,  &test_ptrace,  &test_capable,  &test_forkexec,
};

static void usage(void)
{
	static const char text[] =
		"usage: suite TEST [--duration SECONDS | --sliced] [--dir DIR] [--cpus N,N...] [--no-pin]\n";

	SYS(write, 2, text, sizeof(text) - 1);
	SYS(exit_group, 2);
}

static u64 seconds(const char *s)
{
	const char *end;
	u64 ns = number(s, &end) * 1000000000, unit = 100000000;

	if (*end == '.')
		for (end++; *end >= '0' && *end <= '9'; end++, unit /= 10)
			ns += (*end - '0') * unit;
	if (*end || !ns)
		usage();
	return ns;
}

static void parse(char **argv)
{
	options.dir = "/tmp";
	options.duration_ns = 10000000000;
	for (char **arg = argv + 2; *arg; arg++) {
		if (equal(*arg, "--sliced"))
			options.sliced = 1;
		else if (equal(*arg, "--no-pin"))
			options.no_pin = 1;
		else if (arg[1] && equal(*arg, "--duration"))
			options.duration_ns = seconds(*++arg);
		else if (arg[1] && equal(*arg, "--dir"))
			options.dir = *++arg;
		else if (arg[1] && equal(*arg, "--cpus"))
			options.cpus = *++arg;
		else
			usage();
	}
}

static void find_self(char **envp)
{
	while (*envp++)
		;
	for (const u64 *auxv = (const u64 *)envp; auxv[0]; auxv += 2)
		if (auxv[0] == AT_EXECFN)
			self_path = (const char *)auxv[1];
}

/*
 * spawn executes itself again without address space randomization. Whether a mapping spans one page table or two makes
 * 0.6 % of a fork, at random but for the life of a copy. Container runtimes may filter personality; the difference then
 * remains. Tests that execute programs get new addresses each time, so that their means agree with UnixBench's.
 */
static void fix_addresses(char **argv)
{
	long persona = SYS(personality, 0xffffffff);

	if (persona >= 0 && !(persona & ADDR_NO_RANDOMIZE) && SYS(personality, persona | ADDR_NO_RANDOMIZE) >= 0)
		SYS(execve, self_path, argv, environment);
}

/* Called by _start with the stack from the kernel: argc, argv, envp, auxv. */
__attribute__((used, noreturn)) void start(long *stack)
{
	char **argv = (char **)(stack + 1);

	environment = argv + stack[0] + 1;
	if (stack[0] < 2)
		usage();
	if (equal(argv[1], "--exit"))
		SYS(exit_group, 0);
	find_self(environment);
	if (equal(argv[1], "--resume") && argv[2]) {
		options.test = &test_execl;
		load_like_dynamic();
		run_resumed(argv[2]);
	}
	for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++)
		if (equal(argv[1], tests[i]->name))
			options.test = tests[i];
	if (!options.test)
		usage();
	parse(argv);
	if (options.test == &test_spawn)
		fix_addresses(argv);
	pin();
	leave_on_signals();
	if (options.test->work_dir)
		work_dir_enter();
	if (options.test->setup)
		options.test->setup();
	run();
}
