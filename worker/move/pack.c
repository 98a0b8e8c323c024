/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The records of a connection that are the same for all protocols: their layouts,
 * then writing them, then reading them. Those of the transport and of the
 * protocol come last in the message, and are theirs to write and read.
 */
#include "worker/move/pack.h"

#include <string.h>
#include <sys/socket.h>

#include "worker/net/proxy_header.h"

/* CONNECTION: what is the same for every protocol. INPUT and OUTPUT follow,
 * when there are any, and then the protocol's own. */
struct frozen_connection {
	struct str listener; /* its address as configured */
	struct str protocol, transport;
	uint64_t id;
	uint64_t accepted_at; /* CLOCK_MONOTONIC ns */
	uint8_t peer_family;
	struct str peer_ip; /* 4 or 16 bytes, network order */
	uint16_t peer_port;
	uint32_t requests;
	uint8_t crashes; /* of workers that it has lived through */
};

/* PROXY_HEADER: the connection begins with a header of the PROXY protocol, which
 * is awaited. */
struct frozen_proxy_header {
	bool is_awaited;
};
static const struct frozen_field proxy_header_fields[] = {
	FROZEN_FIELD(frozen_proxy_header, is_awaited),
};
static const struct frozen_layout proxy_header_layout =
	FROZEN_LAYOUT(FROZEN_PROXY_HEADER, proxy_header_fields);

/* VIA: what such a header has said, beside the peer. For logs and for servers
 * that are told as much: who does not know it goes without. */
struct frozen_via {
	uint8_t proxy_family, local_family;
	struct str proxy_ip, local_ip;
	uint16_t proxy_port, local_port;
};
static const struct frozen_field via_fields[] = {
	FROZEN_FIELD(frozen_via, proxy_family),
	FROZEN_FIELD(frozen_via, proxy_ip),
	FROZEN_FIELD(frozen_via, proxy_port),
	FROZEN_FIELD(frozen_via, local_family),
	FROZEN_FIELD(frozen_via, local_ip),
	FROZEN_FIELD(frozen_via, local_port),
};
static const struct frozen_layout via_layout = {
	.kind = FROZEN_VIA,
	.flags = FROZEN_MAY_SKIP,
	.n_fields = sizeof(via_fields) / sizeof(*via_fields),
	.fields = via_fields,
};

enum {
	FROZEN_PEER_UNIX = 0,
	FROZEN_PEER_IPV4 = 4,
	FROZEN_PEER_IPV6 = 6,
};

static const struct frozen_field connection_fields[] = {
	FROZEN_FIELD(frozen_connection, listener),
	FROZEN_FIELD(frozen_connection, protocol),
	FROZEN_FIELD(frozen_connection, transport),
	FROZEN_FIELD(frozen_connection, id),
	FROZEN_FIELD(frozen_connection, accepted_at),
	FROZEN_FIELD(frozen_connection, peer_family),
	FROZEN_FIELD(frozen_connection, peer_ip),
	FROZEN_FIELD(frozen_connection, peer_port),
	FROZEN_FIELD(frozen_connection, requests),
	FROZEN_FIELD(frozen_connection, crashes),
};
static const struct frozen_layout connection_layout =
	FROZEN_LAYOUT(FROZEN_CONNECTION, connection_fields);

struct frozen_bytes {
	struct str bytes;
};
static const struct frozen_field bytes_fields[] = {
	FROZEN_FIELD(frozen_bytes, bytes),
};
static const struct frozen_layout input_layout =
	FROZEN_LAYOUT(FROZEN_INPUT, bytes_fields);
static const struct frozen_layout output_layout =
	FROZEN_LAYOUT(FROZEN_OUTPUT, bytes_fields);

static void put_endpoint(const struct endpoint *e, uint8_t *family_out,
			 struct str *ip_out, uint16_t *port_out)
{
	size_t n = e->family == AF_INET ? 4 : e->family == AF_INET6 ? 16 : 0;

	*family_out = n == 4    ? FROZEN_PEER_IPV4
		      : n == 16 ? FROZEN_PEER_IPV6
				: FROZEN_PEER_UNIX;
	*ip_out = (struct str){(const char *)e->ip, n};
	*port_out = e->port;
}

static void put_via(struct frozen_writer *w, const struct conn *c)
{
	static const struct frozen_proxy_header awaited = {.is_awaited = true};
	struct frozen_via via;

	if (proxy_header_is_awaited(c))
		frozen_put(w, &proxy_header_layout, &awaited);
	if (c->via == NULL)
		return;
	put_endpoint(&c->via->proxy, &via.proxy_family, &via.proxy_ip,
		     &via.proxy_port);
	put_endpoint(&c->via->local, &via.local_family, &via.local_ip,
		     &via.local_port);
	frozen_put(w, &via_layout, &via);
}

static void put_bytes(struct frozen_writer *w, const struct frozen_layout *layout,
		      const struct buf *buf)
{
	struct frozen_bytes frozen = {buf_str(buf)};

	if (frozen.bytes.n > 0)
		frozen_put(w, layout, &frozen);
}

bool pack_conn(struct frozen_writer *writer, const struct conn *c, char *bytes,
	       size_t room, const struct frozen_table *readers, unsigned crashes)
{
	struct frozen_connection frozen = {
		.listener = str_of(c->listener->conf->text),
		.protocol = str_of(proxy_header_is_awaited(c)
					   ? c->listener->protocol->name
					   : c->protocol->name),
		.transport = str_of(c->socket.transport->name),
		.id = c->id,
		.accepted_at = c->accepted_at,
		.requests = c->requests,
		.crashes = (uint8_t)crashes,
	};

	put_endpoint(&c->peer, &frozen.peer_family, &frozen.peer_ip,
		     &frozen.peer_port);
	frozen_begin(writer, bytes, room, readers);
	frozen_put_fd(writer, c->socket.watch.fd);
	frozen_put(writer, &connection_layout, &frozen);
	put_bytes(writer, &input_layout, &c->socket.in);
	put_bytes(writer, &output_layout, &c->socket.out);
	put_via(writer, c);
	return socket_freeze(&c->socket, writer) && c->protocol->freeze != NULL &&
	       c->protocol->freeze(c, writer);
}

static bool get_endpoint(uint8_t family, struct str ip, uint16_t port,
			 struct endpoint *endpoint_out)
{
	static const struct {
		uint16_t family;
		size_t n;
	} families[] = {
		[FROZEN_PEER_UNIX] = {AF_UNIX, 0},
		[FROZEN_PEER_IPV4] = {AF_INET, 4},
		[FROZEN_PEER_IPV6] = {AF_INET6, 16},
	};

	if (family > FROZEN_PEER_IPV6 || families[family].family == AF_UNSPEC ||
	    families[family].n != ip.n)
		return false;
	*endpoint_out =
		(struct endpoint){.family = families[family].family, .port = port};
	if (ip.n > 0)
		memcpy(endpoint_out->ip, ip.p, ip.n);
	return true;
}

static bool get_via(struct frozen_reader *r, struct conn_origin *origin)
{
	struct frozen_proxy_header header = {0};
	struct frozen_via via = {0};
	enum frozen_result result = frozen_get(r, &proxy_header_layout, &header);

	if (result != FROZEN_OK && result != FROZEN_ABSENT)
		return false;
	origin->awaits_header = header.is_awaited;
	result = frozen_get(r, &via_layout, &via);
	if (result != FROZEN_OK)
		return result == FROZEN_ABSENT;
	origin->has_via = true;
	return get_endpoint(via.proxy_family, via.proxy_ip, via.proxy_port,
			    &origin->via.proxy) &&
	       get_endpoint(via.local_family, via.local_ip, via.local_port,
			    &origin->via.local);
}

/* Bytes that are there only when there are some. */
static enum frozen_result get_bytes(struct frozen_reader *r,
				    const struct frozen_layout *layout,
				    struct str *bytes_out)
{
	struct frozen_bytes frozen = {.bytes = STR("")};
	enum frozen_result result = frozen_get(r, layout, &frozen);

	*bytes_out = frozen.bytes;
	return result == FROZEN_ABSENT ? FROZEN_OK : result;
}

enum frozen_result unpack_conn(struct frozen_reader *reader,
			       struct unpacked *unpacked_out)
{
	struct frozen_connection frozen = {0};
	struct unpacked unpacked = {0};
	struct conn_origin *origin = &unpacked.origin;

	if (frozen_get(reader, &connection_layout, &frozen) != FROZEN_OK ||
	    !get_endpoint(frozen.peer_family, frozen.peer_ip, frozen.peer_port,
			  &origin->peer) ||
	    get_bytes(reader, &input_layout, &origin->in) != FROZEN_OK ||
	    get_bytes(reader, &output_layout, &origin->out) != FROZEN_OK ||
	    !get_via(reader, origin))
		return FROZEN_DAMAGED;
	unpacked.listener = frozen.listener;
	unpacked.protocol = frozen.protocol;
	unpacked.transport = frozen.transport;
	origin->id = frozen.id;
	origin->accepted_at = frozen.accepted_at;
	origin->requests = frozen.requests;
	origin->crashes = frozen.crashes;
	*unpacked_out = unpacked;
	return FROZEN_OK;
}
