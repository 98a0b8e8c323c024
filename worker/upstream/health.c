/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each server that is checked has a timer, whoever makes the checks: on_turn()
 * makes one, or looks at what the worker that makes them has published. A check
 * is a connection of its own, never one of the pool:
 *
 *   connect   start_check()
 *   request   on_connected(), HTTP only
 *   response  on_ready(): the status, and the content as far as it is looked at
 *   verdict   end_check(): counted against rise and fall
 */
#include "worker/upstream/health.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/codec/chunked.h"
#include "base/codec/response_head.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "worker/upstream/peer.h"
#include "worker/upstream/resolver.h"
#include "worker/upstream/server.h"
#include "worker/upstream/upstream.h"
#include "worker/upstream/upstreams.h"

enum {
	HEALTH_HEAD = 16 * 1024,    /* bytes of the head of a response */
	HEALTH_CONTENT = 64 * 1024, /* that are searched for expect_body */
};

struct health_check {
	struct list link; /* in health->checks */
	struct health *health;
	const struct upstream *upstream;
	const struct conf_health *conf;
	struct server *server;
	struct timer turn;
	struct peer *peer; /* NULL between two checks */
	uint32_t in_row;   /* checks that went the other way than the state */
	/* Of the check under way. */
	bool has_head;
	size_t scanned;
	enum response_framing framing;
	uint64_t left;
	struct chunked chunked;
	struct buf content;
};

struct health {
	struct net *net;
	const struct scoreboard *board;
	struct list checks;
	size_t n;
};

/* Who makes the checks, and what it has found. */

/* The serving worker of our generation with the lowest slot; we, while we do
 * not know better. */
static const struct slot *checker(const struct health *h)
{
	const struct slot *mine = h->net->slot;

	for (uint32_t i = 0; i < h->board->n_used && i < SCOREBOARD_SLOTS; i++) {
		const struct slot *slot = &h->board->slots[i];

		if (slot == mine ||
		    (slot->generation == mine->generation && slot->generation != 0))
			return slot;
	}
	return mine;
}

/* By its key, as the board is of workers of any generation. */
static bool find_published(const struct health_check *c,
			   const struct server_health *cells, bool *is_down_out)
{
	uint64_t key = c->server->shown->key;
	size_t hint = (size_t)(c->server->shown - c->health->net->slot->servers);
	const struct server_health *cell = NULL;

	if (key != 0)
		cell = server_health_find(cells, key, &hint);
	if (cell != NULL)
		*is_down_out = cell->is_down != 0;
	return cell != NULL;
}

/* What an older generation knows, which serves while we start. */
static void inherit(struct health_check *c)
{
	const struct scoreboard *board = c->health->board;

	for (uint32_t i = 0; i < board->n_used && i < SCOREBOARD_SLOTS; i++)
		if (&board->slots[i] != c->health->net->slot &&
		    board->slots[i].generation != 0 &&
		    find_published(c, board->slots[i].servers,
				   &c->server->is_unhealthy))
			return;
	(void)find_published(c, board->known, &c->server->is_unhealthy);
}

/* A check. */

static void end_check(struct health_check *c, const char *why)
{
	bool is_down = c->server->is_unhealthy;
	uint64_t limit = is_down ? c->conf->rise : c->conf->fall;

	peer_close(&c->peer);
	buf_release(&c->content);
	if ((why != NULL) == is_down) {
		c->in_row = 0;
		return;
	}
	if (++c->in_row < limit)
		return;
	c->in_row = 0;
	c->server->is_unhealthy = !is_down;
	server_show(c->server);
	upstream_look(c->server->upstream);
	if (is_down)
		log_info("upstream %s, server %s: healthy again: %ju checks in a "
			 "row succeeded",
			 c->upstream->conf->name, c->server->conf->text,
			 (uintmax_t)limit);
	else
		log_warn("upstream %s, server %s: down: %ju checks in a row "
			 "failed, the last one: %s",
			 c->upstream->conf->name, c->server->conf->text,
			 (uintmax_t)limit, why);
}

static void put_request(struct health_check *c, struct buf *out)
{
	const char *host =
		c->conf->host[0] != '\0' ? c->conf->host : c->server->conf->text;

	if (strncmp(host, "unix:", 5) == 0)
		host = "localhost";
	buf_printf(out,
		   "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: holdfast-health\r\n"
		   "Connection: close\r\n\r\n",
		   c->conf->path, host);
}

/* NULL while more is needed to tell; else the check has ended. */
static bool has_text(const struct health_check *c)
{
	struct str content = buf_str(&c->content),
		   text = str_of(c->conf->expect_body);

	return text.n == 0 || memmem(content.p, content.n, text.p, text.n) != NULL;
}

/* Moves what has come of the content. False when there will be no more. */
static bool collect(struct health_check *c)
{
	struct buf *in = &c->peer->socket.in;

	while (buf_length(in) > 0) {
		struct str all = buf_str(in), rest = all, piece = all;
		enum chunked_result result = CHUNKED_PIECE;

		if (c->framing == RESPONSE_CHUNKED)
			result = chunked_decode(&c->chunked, &rest, &piece);
		else
			rest = str_tail(all, all.n);
		if (result == CHUNKED_PIECE)
			buf_put(&c->content, piece);
		buf_consume(in, all.n - rest.n);
		if (result == CHUNKED_DONE || result == CHUNKED_BAD ||
		    buf_length(&c->content) >= HEALTH_CONTENT)
			return false;
	}
	return c->framing != RESPONSE_NO_CONTENT &&
	       (c->framing != RESPONSE_LENGTH || buf_length(&c->content) < c->left);
}

static bool is_expected(const struct conf_health *conf, unsigned status)
{
	return conf->expect_status != 0 ? status == conf->expect_status
					: status >= 200 && status <= 399;
}

/* True when another step may be taken. */
static bool step_head(struct health_check *c)
{
	static struct response_head head;
	static const struct response_limits limits = {.bytes = HEALTH_HEAD,
						      .fields = HTTP1_FIELDS_MAX};
	struct buf *in = &c->peer->socket.in;
	const char *why = "the connection was closed before a response";

	switch (response_head_parse(buf_str(in), false, &limits, &c->scanned, &head,
				    &why)) {
	case HTTP1_PARTIAL:
		return true;
	case HTTP1_BAD:
		end_check(c, why);
		return false;
	case HTTP1_COMPLETE:
		break;
	}
	buf_consume(in, head.size);
	if (head.status < 200)
		return true; /* the response is still to come */
	if (!is_expected(c->conf, head.status)) {
		char text[64];

		snprintf(text, sizeof(text), "it answers with %u", head.status);
		end_check(c, text);
		return false;
	}
	c->has_head = true;
	c->framing = head.framing;
	c->left = head.content_length;
	return true;
}

static bool step_content(struct health_check *c)
{
	bool goes_on = collect(c);

	if (has_text(c)) {
		end_check(c, NULL);
		return false;
	}
	if (!goes_on)
		end_check(c, "its content lacks expect_body");
	return goes_on;
}

static void read_response(struct health_check *c)
{
	for (;;) {
		bool had_head = c->has_head;

		if (had_head ? !step_content(c)
			     : buf_length(&c->peer->socket.in) > 0 && !step_head(c))
			return;
		if (c->has_head && !had_head)
			continue; /* what came along with the head */
		switch (socket_read(&c->peer->socket)) {
		case IO_OK:
			break;
		case IO_AGAIN:
			return;
		case IO_EOF:
			end_check(c, c->has_head ? "its content lacks expect_body"
						 : "the connection was closed "
						   "before a response");
			return;
		default:
			end_check(c, strerror(errno));
			return;
		}
	}
}

static void on_connected(struct peer *peer, int error)
{
	struct health_check *c = peer->context;

	if (error != 0) {
		c->peer = NULL;
		end_check(c, strerror(error));
	} else if (c->conf->type == CONF_HEALTH_TCP) {
		peer_put_own_header(peer);
		(void)!socket_flush(&peer->socket, false);
		end_check(c, NULL);
	} else {
		peer_put_own_header(peer);
		put_request(c, &peer->socket.out);
		if (socket_flush(&peer->socket, false) == IO_ERROR)
			end_check(c, strerror(errno));
		else
			read_response(c);
	}
}

static void on_ready(struct peer *peer)
{
	struct health_check *c = peer->context;

	if (socket_flush(&peer->socket, false) == IO_ERROR)
		end_check(c, strerror(errno));
	else
		read_response(c);
}

static void on_timeout(struct peer *peer)
{
	end_check(peer->context, "timed out");
}

static const struct peer_user user = {
	.on_connected = on_connected,
	.on_ready = on_ready,
	.on_timeout = on_timeout,
};

static void start_check(struct health_check *c)
{
	struct server *server = c->server;
	const struct addr *addr = &server->conf->addr;

	if (c->peer != NULL)
		return; /* the last one goes on: it has a time-out */
	if (server->name != NULL)
		addr = resolver_address(server->name, server->next_address++);
	c->has_head = false;
	c->scanned = 0;
	c->chunked = (struct chunked){0};
	if (addr == NULL) {
		end_check(c, "its name is not resolved");
		return;
	}
	c->peer = peer_connect(c->health->net, server, addr, &user, c);
	if (c->peer == NULL) {
		end_check(c, strerror(errno));
		return;
	}
	peer_uncount(c->peer);
	socket_set_timeout(&c->peer->socket, c->conf->timeout);
}

static void on_turn(struct timer *timer)
{
	struct health_check *c = CONTAINER_OF(timer, struct health_check, turn);
	const struct slot *slot = checker(c->health);

	if (net_is_draining(c->health->net))
		return; /* others make them now */
	loop_timer(c->health->net->loop, timer, c->conf->interval);
	if (slot == c->health->net->slot)
		start_check(c);
	else
		(void)find_published(c, slot->servers, &c->server->is_unhealthy);
	server_show(c->server); /* for those that take over */
}

/* All of them. */

void health_heed_mode(struct server *server)
{
	struct health_check *c = server->check;

	if (c == NULL)
		return;
	c->in_row = 0;
	if (server->mode == SERVER_DISABLED) {
		timer_disarm(&c->turn);
		peer_close(&c->peer);
		buf_release(&c->content);
	} else if (!timer_is_armed(&c->turn)) {
		loop_timer(c->health->net->loop, &c->turn, 0);
	}
}

/* `wait_ms`: until the first check. */
static void take(struct health *h, struct server *server, uint64_t wait_ms)
{
	struct health_check *c = mem_zalloc(1, sizeof(*c));

	c->health = h;
	c->upstream = server->upstream;
	c->conf = server->upstream->conf->health;
	c->server = server;
	timer_init(&c->turn, on_turn);
	list_append(&h->checks, &c->link);
	h->n++;
	server->check = c;
	inherit(c);
	server_show(server);
	loop_timer(h->net->loop, &c->turn, wait_ms);
}

void health_take(struct health *h, struct server *server)
{
	if (server->upstream->conf->health == NULL)
		return;
	if (h->n >= SCOREBOARD_SERVERS)
		log_warn("server %s is not checked: only %d servers are",
			 server->conf->text, SCOREBOARD_SERVERS);
	else
		take(h, server, 0);
}

void health_leave(struct server *server)
{
	struct health_check *c = server->check;

	server->check = NULL;
	if (c == NULL)
		return;
	timer_detach(&c->health->net->loop->timers, &c->turn);
	peer_close(&c->peer);
	buf_release(&c->content);
	list_remove(&c->link);
	c->health->n--;
	free(c);
}

/* Not all in the same moment. */
static void take_all(struct health *h, struct upstream *u, size_t n)
{
	for (size_t k = 0; k < u->n_servers && h->n < SCOREBOARD_SERVERS; k++)
		take(h, u->servers[k], u->conf->health->interval * (h->n + 1) / n);
}

void health_create(struct upstreams *upstreams)
{
	bool is_needed = false;
	size_t n = 0;

	for (size_t i = 0; i < upstreams->n; i++) {
		if (upstreams->items[i].conf->health == NULL)
			continue;
		is_needed = true;
		n += upstreams->items[i].n_servers;
	}
	if (!is_needed)
		return;
	if (n > SCOREBOARD_SERVERS)
		log_warn("only %d of %zu servers are checked", SCOREBOARD_SERVERS,
			 n);
	struct health *h = mem_zalloc(1, sizeof(*h));

	h->net = upstreams->net;
	h->board = upstreams->board;
	list_init(&h->checks);
	upstreams->health = h;
	for (size_t i = 0; i < upstreams->n; i++)
		if (upstreams->items[i].conf->health != NULL)
			take_all(h, &upstreams->items[i], n);
}

void health_destroy(struct health **health)
{
	struct health *h = *health;

	*health = NULL;
	if (h == NULL)
		return;
	LIST_EACH_SAFE (link, &h->checks)
		health_leave(CONTAINER_OF(link, struct health_check, link)->server);
	free(h);
}
