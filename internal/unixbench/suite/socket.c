/* Hook probes for sockets. A UDP connect to the discard port of loopback sends nothing and needs no listener. */
#include "suite.h"

enum { AF_INET = 2, SOCK_DGRAM = 2, SOCK_CLOEXEC = 02000000 };

static long fd;

static long new_socket(void)
{
	return must("socket", SYS(socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
}

static void open_close(void)
{
	SYS(close, new_socket());
}

static void setup_connect(void)
{
	fd = new_socket();
}

static void connect(void)
{
	static const u8 address[16] = { AF_INET, 0, 0, 9, 127, 0, 0, 1 };

	must("connect to 127.0.0.1 (is lo up?)", SYS(connect, fd, address, sizeof(address)));
}

const struct test test_socket = { .name = "socket", .operation = open_close, .batch = 16, .timebase = 1 };
const struct test test_connect = {
	.name = "connect", .setup = setup_connect, .operation = connect, .batch = 16, .timebase = 1
};
