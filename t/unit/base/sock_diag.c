/* SPDX-License-Identifier: BSD-2-Clause */
/* Connections that TCP_DEFER_ACCEPT holds back are known, by their port. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/sock_diag.h"

static struct addr loopback(int family)
{
	struct addr addr = {0};

	if (family == AF_INET) {
		addr.length = sizeof(addr.v4);
		addr.v4.sin_family = AF_INET;
		addr.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	} else {
		addr.length = sizeof(addr.v6);
		addr.v6.sin6_family = AF_INET6;
		addr.v6.sin6_addr = in6addr_any;
	}
	return addr;
}

/* Listens on `family`, for both when that is AF_INET6. */
static int listen_on(int family, uint16_t *port_out)
{
	struct addr addr = loopback(family);
	int fd = socket(family, SOCK_STREAM, 0), on = 1, off = 0;

	if (fd == -1)
		return -1;
	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(fd, &addr.any, addr.length) == -1) {
		close(fd);
		return -1;
	}
	assert_int_equal(listen(fd, 10), 0);
	assert_int_equal(
		setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &on, sizeof(on)), 0);
	assert_int_equal(getsockname(fd, &addr.any, &addr.length), 0);
	*port_out = ntohs(addr.v4.sin_port); /* where both have it */
	return fd;
}

static int connect_to(int family, uint16_t port)
{
	struct addr addr = loopback(family);
	int fd = socket(family, SOCK_STREAM, 0);

	if (family == AF_INET6)
		addr.v6.sin6_addr = in6addr_loopback;
	addr.v4.sin_port = htons(port);
	assert_int_equal(connect(fd, &addr.any, addr.length), 0);
	return fd;
}

static void try(int listen_family, int family)
{
	uint16_t port, other_port;
	int other = listen_on(AF_INET, &other_port);
	int listening = listen_on(listen_family, &port);
	struct pollfd comes = {.fd = listening, .events = POLLIN};

	if (listening == -1) {
		close(other);
		return; /* there is no such family here */
	}
	if (sock_diag_has_half_open(port) == -1) {
		print_message("# the kernel does not tell: %s\n", strerror(errno));
		close(listening);
		close(other);
		return;
	}
	assert_int_equal(sock_diag_has_half_open(port), 0);
	int client = connect_to(family, port);

	assert_int_equal(sock_diag_has_half_open(port), 1);
	assert_int_equal(sock_diag_has_half_open(other_port), 0);
	assert_int_equal(send(client, "x", 1, 0), 1);
	assert_int_equal(poll(&comes, 1, 10000), 1);
	assert_int_equal(sock_diag_has_half_open(port), 0);
	close(client);
	close(listening);
	close(other);
}

static void ipv4(void **state)
{
	(void)state;
	try(AF_INET, AF_INET);
}

static void ipv6(void **state)
{
	(void)state;
	try(AF_INET6, AF_INET6);
}

static void ipv4_on_a_socket_for_both(void **state)
{
	(void)state;
	try(AF_INET6, AF_INET);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ipv4),
		cmocka_unit_test(ipv6),
		cmocka_unit_test(ipv4_on_a_socket_for_both),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
