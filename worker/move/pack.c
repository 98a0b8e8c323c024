/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker/move/pack.h"

#include <string.h>
#include <sys/socket.h>

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

static void put_peer(struct frozen_connection *frozen, const struct endpoint *peer)
{
	size_t n = peer->family == AF_INET ? 4 : peer->family == AF_INET6 ? 16 : 0;

	frozen->peer_family = n == 4    ? FROZEN_PEER_IPV4
			      : n == 16 ? FROZEN_PEER_IPV6
					: FROZEN_PEER_UNIX;
	frozen->peer_ip = (struct str){(const char *)peer->ip, n};
	frozen->peer_port = peer->port;
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
		.protocol = str_of(c->protocol->name),
		.transport = str_of(c->socket.transport->name),
		.id = c->id,
		.accepted_at = c->accepted_at,
		.requests = c->requests,
		.crashes = (uint8_t)crashes,
	};

	put_peer(&frozen, &c->peer);
	frozen_begin(writer, bytes, room, readers);
	frozen_put_fd(writer, c->socket.watch.fd);
	frozen_put(writer, &connection_layout, &frozen);
	put_bytes(writer, &input_layout, &c->socket.in);
	put_bytes(writer, &output_layout, &c->socket.out);
	return socket_freeze(&c->socket, writer) && c->protocol->freeze != NULL &&
	       c->protocol->freeze(c, writer);
}

static bool get_peer(const struct frozen_connection *frozen,
		     struct endpoint *peer_out)
{
	static const struct {
		uint16_t family;
		size_t n;
	} families[] = {
		[FROZEN_PEER_UNIX] = {AF_UNIX, 0},
		[FROZEN_PEER_IPV4] = {AF_INET, 4},
		[FROZEN_PEER_IPV6] = {AF_INET6, 16},
	};

	if (frozen->peer_family > FROZEN_PEER_IPV6 ||
	    families[frozen->peer_family].family == AF_UNSPEC ||
	    families[frozen->peer_family].n != frozen->peer_ip.n)
		return false;
	*peer_out = (struct endpoint){
		.family = families[frozen->peer_family].family,
		.port = frozen->peer_port,
	};
	if (frozen->peer_ip.n > 0)
		memcpy(peer_out->ip, frozen->peer_ip.p, frozen->peer_ip.n);
	return true;
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
	    !get_peer(&frozen, &origin->peer) ||
	    get_bytes(reader, &input_layout, &origin->in) != FROZEN_OK ||
	    get_bytes(reader, &output_layout, &origin->out) != FROZEN_OK)
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
