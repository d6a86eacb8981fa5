/*
 * Runs a whole pass, or slices of one. A runner parks many copies, each in its own scenario, and lets one run at a
 * time.
 *
 * The protocol of a slice: standard input delivers two u64, the nanoseconds to run before counting, so that caches and
 * branch predictors recover, and the nanoseconds to count. Standard output answers with two u64, the operations and
 * the nanoseconds that they took. The first answer, all zero, comes without a request and means: set up and parked. At
 * the end of standard input the test cleans up and exits. Both ends of the time are read here, between whole
 * operations, so that the delays of pipes and runner are not in it. Numbers are in the byte order of the machine.
 */
#include "suite.h"

struct slice slice;

void run_slice(void)
{
	const struct test *test = options.test;

	for (;;) {
		u64 time = now();

		if (!slice.entered_ns)
			slice.entered_ns = time;
		if (!slice.begun_ns && time - slice.entered_ns >= slice.skip_ns) {
			slice.begun_ns = time;
			slice.operations = 0;
		} else if (slice.begun_ns && time - slice.begun_ns >= slice.run_ns) {
			slice.elapsed_ns = time - slice.begun_ns;
			return;
		}
		/* Before the operations, because that of execl does not return. */
		slice.operations += test->batch;
		for (u32 i = 0; i < test->batch; i++)
			test->operation();
	}
}

static void answer(u64 operations, u64 elapsed_ns)
{
	u64 reply[2] = { operations, elapsed_ns };

	if (SYS(write, 1, reply, sizeof(reply)) != sizeof(reply))
		leave(1);
}

/* Blocks until the next slice is requested. */
static void await(void)
{
	u64 request[2];
	size_t have = 0;

	while (have < sizeof(request)) {
		long n = SYS(read, 0, (u8 *)request + have, sizeof(request) - have);

		if (n == -EINTR)
			continue;
		if (must("read the request", n) == 0)
			leave(0);
		have += n;
	}
	slice = (struct slice){ .skip_ns = request[0], .run_ns = request[1] };
}

static void finish(void)
{
	if (options.test->check)
		options.test->check();
}

/* Prints what UnixBench's programs print: COUNT|count|timebase|unit, and TIME if the count is a rate. */
static void report(void)
{
	const struct test *test = options.test;
	char text[128], *end = append(text, "COUNT|");

	if (test->bytes) {
		/* This order does not overflow: 2^64 / 10^6 bytes are 18 TB. */
		u64 rate = slice.operations * test->bytes / 1024 * 1000000 / (slice.elapsed_ns / 1000);
		u64 ms = slice.elapsed_ns / 1000000;

		end = append(append_number(end, rate), "|0|KBps\nTIME|");
		end = append(append_number(end, ms / 1000), ".");
		for (u64 digit = 100; digit; digit /= 10)
			*end++ = '0' + ms / digit % 10;
	} else {
		end = append(append_number(end, slice.operations), "|");
		end = append(append_number(end, test->timebase), test->timebase == 60 ? "|lpm" : "|lps");
	}
	end = append(end, "\n");
	SYS(write, 2, text, end - text);
}

static void go_on(void)
{
	for (;;) {
		run_slice();
		finish();
		if (!options.sliced) {
			report();
			leave(0);
		}
		answer(slice.operations, slice.elapsed_ns);
		await();
	}
}

void run(void)
{
	slice = (struct slice){ .run_ns = options.duration_ns };
	if (options.sliced) {
		answer(0, 0);
		await();
	}
	go_on();
	leave(0);
}

/* The state of an execl in its argument: numbers and commas. */
char *slice_state(char *to)
{
	const u64 *values = (const u64 *)&slice;

	*to++ = options.sliced ? 's' : 'p';
	for (size_t i = 0; i < sizeof(slice) / sizeof(u64); i++)
		to = append(append_number(to, values[i]), ",");
	return to;
}

void run_resumed(const char *state)
{
	u64 *values = (u64 *)&slice;

	options.sliced = *state++ == 's';
	for (size_t i = 0; i < sizeof(slice) / sizeof(u64); i++) {
		const char *end;

		values[i] = number(state, &end);
		if (end == state || *end != ',')
			fail("--resume", -EINVAL);
		state = end + 1;
	}
	go_on();
}
