/* Ends the program early and cleans up. */
#include "suite.h"

/* A second failure, while cleaning up, must not start the clean-up again. */
static u8 leaving;

void leave(int status)
{
	if (!leaving) {
		leaving = 1;
		if (options.test && options.test->teardown)
			options.test->teardown();
		work_dir_remove();
	}
	for (;;)
		SYS(exit_group, status);
}

static void say(const char *operation, const char *text, u64 error)
{
	char line[512], *end = append(line, "suite: ");

	if (options.test)
		end = append(append(end, options.test->name), ": ");
	end = append(append(end, operation), ": ");
	end = append(end, text);
	if (error)
		end = append_number(end, error);
	end = append(end, "\n");
	SYS(write, 2, line, end - line);
}

void fail(const char *operation, long error)
{
	say(operation, "errno ", -error);
	leave(1);
}

void fail_text(const char *operation, const char *text)
{
	say(operation, text, 0);
	leave(1);
}

static void on_signal(int signal)
{
	leave(128 + signal);
}

void leave_on_signals(void)
{
	static const int signals[] = { SIGHUP, SIGINT, SIGPIPE, SIGTERM };
	struct {
		void (*handler)(int);
		u64 flags;
#ifdef SA_RESTORER
		void (*restorer)(void);
#endif
		u64 mask;
	} action = { .handler = on_signal, .mask = ~0ull };

#ifdef SA_RESTORER
	action.flags = SA_RESTORER;
	action.restorer = signal_return;
#endif
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		must("rt_sigaction", SYS(rt_sigaction, signals[i], &action, 0, sizeof(action.mask)));
}
