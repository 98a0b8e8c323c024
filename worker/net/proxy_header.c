/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First which peers send a header, then reading it. It is read as it comes, with
 * bytes of the client behind it, which stay for the protocol that takes over. Who
 * sends none, or one that is not valid, is refused: to guess would be to let
 * anybody who reaches the proxy say who he is. Worker.
 */
#include "worker/net/proxy_header.h"

#include <string.h>

#include "base/clock.h"
#include "base/codec/proxy_protocol.h"
#include "base/log.h"

static bool is_in(const struct network *network, const struct endpoint *e)
{
	unsigned whole = network->bits / 8, rest = network->bits % 8;

	if (network->family == AF_UNSPEC)
		return true;
	if (network->family != e->family)
		return false;
	return memcmp(network->ip, e->ip, whole) == 0 &&
	       (rest == 0 ||
		(network->ip[whole] ^ e->ip[whole]) >> (8 - rest) == 0);
}

bool proxy_header_is_due(const struct listener *listener,
			 const struct endpoint *peer)
{
	const struct conf_networks *from = &listener->conf->proxy_protocol;

	for (size_t i = 0; i < from->n; i++)
		if (is_in(&from->items[i], peer))
			return true;
	return false;
}

static enum step refuse(const struct conn *c, const char *why)
{
	char ip[ADDR_TEXT];

	log_client(
		LOG_LEVEL_WARN,
		"refused a connection of %s to %s: its PROXY protocol header: %s",
		endpoint_ip(&c->peer, ip), c->listener->conf->text, why);
	return STEP_FAIL;
}

/* The header is whole. */
static enum step take_over(struct conn *c, const struct proxy_protocol *header)
{
	struct net *net = c->socket.net;
	struct endpoint client = c->peer;

	if (header->has_addresses)
		client = header->source;
	if (room_counts(net) && !room_add(net, &client)) {
		room_refuse(net, &client);
		return STEP_FAIL;
	}
	if (header->has_addresses) {
		conn_set_via(c, &(struct conn_via){.proxy = c->peer,
						   .local = header->destination});
		c->peer = client;
	}
	buf_consume(&c->socket.in, header->size);
	conn_become(c, c->listener->protocol);
	return conn_secure(c) ? STEP_LATER : STEP_MORE;
}

/* The whole time is bounded, not that between two bytes. */
static enum step wait(struct conn *c)
{
	uint64_t ms = c->socket.net->conf->timeouts.header;

	socket_set_timeout_at(&c->socket, c->accepted_at + ms * NS_PER_MS);
	return STEP_WAIT;
}

static enum step proxy_header_step(struct conn *c)
{
	struct str in = buf_str(&c->socket.in);
	struct proxy_protocol header;
	const char *why;

	switch (proxy_protocol_parse(in, &header, &why)) {
	case PROXY_PROTOCOL_WHOLE:
		return take_over(c, &header);
	case PROXY_PROTOCOL_BAD:
		return refuse(c, why);
	case PROXY_PROTOCOL_MORE:
		break;
	}
	switch (socket_read(&c->socket)) {
	case IO_OK:
		return STEP_MORE;
	case IO_AGAIN:
		return wait(c);
	case IO_EOF: /* a proxy may look whether it can connect */
		return in.n > 0 ? refuse(c, "it ends in the middle") : STEP_DONE;
	default:
		return STEP_FAIL;
	}
}

static enum step proxy_header_timeout(struct conn *c)
{
	return refuse(c, "it has not come within timeouts.header");
}

static bool proxy_header_is_idle(const struct conn *c)
{
	return buf_length(&c->socket.in) == 0;
}

/* Its bytes are in c->socket.in, and that it is awaited is said before: see
 * worker/move/pack.c. */
static bool proxy_header_freeze(const struct conn *c, struct frozen_writer *message)
{
	(void)c;
	(void)message;
	return true;
}

static bool proxy_header_thaw(struct conn *c, struct frozen_reader *message)
{
	(void)c;
	return frozen_next(message) == 0;
}

static void proxy_header_describe(const struct conn *c, struct buf *text)
{
	(void)c;
	buf_put_cstr(text, "its PROXY protocol header is awaited");
}

const struct protocol proxy_header_protocol = {
	.name = "proxy header",
	.client_speaks_first = true,
	.step = proxy_header_step,
	.timeout = proxy_header_timeout,
	.is_idle = proxy_header_is_idle,
	.freeze = proxy_header_freeze,
	.thaw = proxy_header_thaw,
	.describe = proxy_header_describe,
};
