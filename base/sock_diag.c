/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/sock_diag.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"

enum {
	/* What a request for a connection is to the kernel. <netinet/tcp.h>
	 * has only the first, which is what the answer says. */
	STATE_NEW_SYN_RECV = 12,
	STATES = 1 << TCP_SYN_RECV | 1 << STATE_NEW_SYN_RECV,
};

/* A dump of the half-open connections of a family, filtered by the kernel. */
struct diag_request {
	struct nlmsghdr header;
	struct inet_diag_req_v2 body;
	struct nlattr filter;
	struct inet_diag_bc_op ops[4];
};

/* An operation with an operand takes two places; `no` leads past the end. */
static void filter_port(struct diag_request *r, uint16_t port)
{
	r->filter = (struct nlattr){
		.nla_len = sizeof(r->filter) + sizeof(r->ops),
		.nla_type = INET_DIAG_REQ_BYTECODE,
	};
	r->ops[0] = (struct inet_diag_bc_op){INET_DIAG_BC_S_GE, 8, 20};
	r->ops[1] = (struct inet_diag_bc_op){.no = port};
	r->ops[2] = (struct inet_diag_bc_op){INET_DIAG_BC_S_LE, 8, 12};
	r->ops[3] = (struct inet_diag_bc_op){.no = port};
}

/* 1 or 0, by the first message of the answer; -1 with errno. */
static int read_answer(int fd)
{
	char answer[8192] __attribute__((aligned(NLMSG_ALIGNTO)));
	ssize_t n = recv(fd, answer, sizeof(answer), 0);
	const struct nlmsghdr *first = (const void *)answer;

	if (n == -1)
		return -1;
	if (!NLMSG_OK(first, (size_t)n)) {
		errno = EBADMSG;
		return -1;
	}
	if (first->nlmsg_type == NLMSG_ERROR) {
		const struct nlmsgerr *error = NLMSG_DATA(first);

		errno = -error->error;
		return -1;
	}
	return first->nlmsg_type == SOCK_DIAG_BY_FAMILY;
}

static int ask(int family, uint16_t port)
{
	struct diag_request r = {
		.header = {.nlmsg_len = sizeof(r),
			   .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.body = {.sdiag_family = (uint8_t)family,
			 .sdiag_protocol = IPPROTO_TCP,
			 .idiag_states = STATES},
	};
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			NETLINK_SOCK_DIAG);
	int result = -1;

	if (fd == -1)
		return -1;
	filter_port(&r, port);
	if (send(fd, &r, sizeof(r), 0) == sizeof(r))
		result = read_answer(fd);
	fd_close(&fd);
	return result;
}

int sock_diag_has_half_open(uint16_t port)
{
	int v4 = ask(AF_INET, port);

	return v4 != 0 ? v4 : ask(AF_INET6, port);
}
