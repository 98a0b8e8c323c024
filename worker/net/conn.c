/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker/net/conn.h"

#include <errno.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

enum {
	CONN_MAGIC = 0x636f6e6e,
	CONN_STEPS = 64,             /* of a protocol in one tick */
	CONN_LINGER_MS = 2000,       /* for a peer that sends no more */
	CONN_LINGER_MOST_MS = 30000, /* for one that goes on sending */
	CONN_LINGER_READS = 64,      /* in one tick */
	CONNS_IN_BLOCK = 64,
};

/* Connections are allocated in blocks, because malloc would add 16 bytes to
 * each; a block is never given back before the worker ends. */
struct conn_block {
	struct conn_block *next;
	struct conn conns[CONNS_IN_BLOCK];
};

static const char *const state_names[] = {
	[CONN_OPEN] = "open",
	[CONN_LINGERING] = "lingering",
	[CONN_CLOSED] = "closed",
	[CONN_MOVED] = "moved",
};

static void set_state(struct conn *c, enum conn_state state)
{
	ASSERT(c->state < state); /* it only ever goes forward */
	log_debug("connection %ju: %s -> %s", (uintmax_t)c->id,
		  state_names[c->state], state_names[state]);
	c->state = (uint8_t)state;
}

static struct conn *conn_alloc(struct net *net)
{
	struct conn *c = net->spare;

	if (c == NULL) {
		struct conn_block *block = mem_alloc(sizeof(*block));

		block->next = net->blocks;
		net->blocks = block;
		for (int i = 0; i < CONNS_IN_BLOCK; i++) {
			block->conns[i].session = net->spare;
			net->spare = &block->conns[i];
		}
		c = net->spare;
	}
	net->spare = c->session;
	return c;
}

/* It goes on in the next tick, without an event. */
static void conn_queue(struct conn *c)
{
	if (list_is_empty(&c->ready))
		list_append(&c->net->ready, &c->ready);
	loop_queue(c->net->loop, &c->net->resume);
}

/* A worker that was full takes new connections when a few are gone, not at
 * each: every pause and start is a system call for each listener. */
static void resume_if_room(struct net *net)
{
	uint64_t limit = net->conf->limits.connections;

	if (net->state == NET_FULL && net->slot->connections < limit - limit / 64)
		net_resume(net);
}

/* To CONN_CLOSED or CONN_MOVED: lets go of everything that it has here. */
static void conn_end(struct conn *c, enum conn_state state)
{
	struct net *net = c->net;

	set_state(c, state);
	if (c->protocol->close != NULL)
		c->protocol->close(c);
	timer_detach(&net->loop->timers, &c->timer);
	list_remove(&c->ready);
	list_remove(&c->link);
	buf_release(&c->in);
	buf_release(&c->out);
	close(c->watch.fd); /* takes it out of epoll, too */
	c->watch.fd = -1;
	c->session = net->dead;
	net->dead = c;
	net->slot->connections--;
	resume_if_room(net);
}

void conn_wake(struct conn *c)
{
	if (c->state >= CONN_CLOSED)
		return;
	list_remove(&c->ready); /* it may be offered to others */
	conn_queue(c);
}

static void conn_close(struct conn *c)
{
	c->net->slot->counters.closed++;
	conn_end(c, CONN_CLOSED);
}

void conn_moved(struct conn *c)
{
	/* The descriptor that was sent names the same open file: closing ours
	 * does not take it out of epoll. */
	if (c->watched)
		loop_remove(c->net->loop, &c->watch);
	conn_end(c, CONN_MOVED);
}

static void set_linger_timeout(struct conn *c)
{
	uint64_t silent = c->net->loop->now + CONN_LINGER_MS * NS_PER_MS;

	conn_set_timeout_at(c, silent < c->linger_until ? silent : c->linger_until);
}

/* What is readable already is an event at once. False when it had to be
 * closed. */
static bool conn_watch(struct conn *c)
{
	c->watched =
		loop_add(c->net->loop, &c->watch,
			 EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP | EPOLLET) == 0;
	if (!c->watched) {
		log_errno(LOG_LEVEL_WARN, "cannot watch a connection");
		conn_close(c);
	}
	return c->watched;
}

/* Closes politely: what we sent must not be lost to a reset. */
static void conn_linger(struct conn *c)
{
	if (!c->watched && !conn_watch(c))
		return;
	set_state(c, CONN_LINGERING);
	buf_release(&c->in);
	buf_release(&c->out);
	c->transport->finish(c);
	c->linger_until = c->net->loop->now + CONN_LINGER_MOST_MS * NS_PER_MS;
	set_linger_timeout(c);
	conn_queue(c);
}

static void discard(struct conn *c)
{
	char waste[16384];

	for (int i = 0; i < CONN_LINGER_READS && c->readable; i++) {
		size_t n;
		enum io io = c->transport->read(c, waste, sizeof(waste), &n);

		if (io == IO_EOF || io == IO_ERROR) {
			conn_close(c);
			return;
		}
		set_linger_timeout(c);
	}
	if (c->readable)
		conn_queue(c);
}

static void sample(struct conn *c)
{
	if (c->sampled == c->net->sample)
		return;
	c->sampled = c->net->sample;
	c->net->n_sampled++;
}

/* Acts on what a protocol said; true when it is to be called again. */
static bool conn_obey(struct conn *c, enum step step)
{
	switch (step) {
	case STEP_MORE:
		return true;
	case STEP_LATER:
		conn_clear_timeout(c);
		conn_queue(c);
		return false;
	case STEP_WRITE:
		conn_clear_timeout(c);
		if (!cohort_write(&c->net->cohort, c))
			conn_queue(c);
		return false;
	case STEP_WAIT:
		if (!c->watched && !conn_watch(c))
			return false;
		buf_shrink(&c->in);
		buf_shrink(&c->out);
		if (c->net->on_idle != NULL)
			c->net->on_idle(c->net, c);
		if (c->net->sample != 0)
			sample(c);
		return false;
	case STEP_LINGER:
		conn_linger(c);
		return false;
	case STEP_DONE:
	case STEP_FAIL:
		conn_close(c);
		return false;
	}
	log_fatal("protocol %s took step %d", c->protocol->name, (int)step);
}

void conn_run(struct conn *c)
{
	ASSERT(c->magic == CONN_MAGIC);
	list_remove(&c->ready);
	if (c->state == CONN_LINGERING) {
		discard(c);
		return;
	}
	c->net->running = c;
	enum step step = STEP_MORE;

	for (int budget = CONN_STEPS; budget > 0 && step == STEP_MORE; budget--)
		step = c->protocol->step(c);
	c->net->running = NULL;
	conn_obey(c, step == STEP_MORE ? STEP_LATER : step);
}

static void on_event(struct watch *watch, uint32_t events)
{
	struct conn *c = CONTAINER_OF(watch, struct conn, watch);

	if (c->state >= CONN_CLOSED)
		return; /* by an earlier event of this tick */
	if (events & (EPOLLIN | EPOLLERR | EPOLLHUP | EPOLLRDHUP | EPOLLPRI))
		c->readable = true;
	if (events & (EPOLLOUT | EPOLLERR | EPOLLHUP))
		c->writable = true;
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR | EPOLLPRI))
		c->read_to_end = true;
	if (events & (EPOLLHUP | EPOLLERR))
		c->hung_up = true;
	if (events & EPOLLRDHUP)
		c->peer_ended = true;
	cohort_join(&c->net->cohort, c); /* it may have been offered to others */
}

static void on_timeout(struct timer *timer)
{
	struct conn *c = CONTAINER_OF(timer, struct conn, timer);

	ASSERT(c->magic == CONN_MAGIC);
	bool had_more = !list_is_empty(&c->ready);

	list_remove(&c->ready);
	if (c->state == CONN_LINGERING)
		conn_close(c);
	else if (conn_obey(c, c->protocol->timeout(c)))
		conn_run(c);
	/* What it was to do is still to be done. */
	if (had_more && c->state < CONN_CLOSED && list_is_empty(&c->ready))
		conn_queue(c);
}

void conns_resume(struct task *task)
{
	struct net *net = CONTAINER_OF(task, struct net, resume);
	struct list now;

	list_init(&now);
	list_take_all(&now, &net->ready);
	while (!list_is_empty(&now))
		cohort_join(&net->cohort,
			    CONTAINER_OF(now.next, struct conn, ready));
	cohort_run(&net->cohort);
}

static struct conn *conn_create(struct listener *listener, int fd)
{
	struct net *net = listener->net;
	struct conn *c = conn_alloc(net);

	*c = (struct conn){
		.magic = CONN_MAGIC,
		.state = CONN_OPEN,
		.writable = true,
		.watch = {.on_event = on_event, .fd = fd},
		.net = net,
		.listener = listener,
		.transport = listener->transport,
		.protocol = listener->protocol,
		.id = ++net->last_id,
	};
	timer_init(&c->timer, on_timeout);
	list_init(&c->ready);
	list_append(&net->conns, &c->link);
	net->slot->connections++;
	return c;
}

void conn_open(struct listener *listener, int fd, const struct addr *peer)
{
	struct conn *c = conn_create(listener, fd);

	c->accepted_at = c->net->loop->now;
	c->peer = endpoint_of(peer);
	c->net->slot->counters.accepted++;
	c->readable = true; /* as a client that connects has something to say */
	conn_queue(c);
}

bool conn_adopt(struct listener *listener, int fd, const struct conn_origin *origin,
		struct frozen_reader *message)
{
	struct conn *c = conn_create(listener, fd);

	c->id = origin->id;
	c->accepted_at = origin->accepted_at;
	c->peer = origin->peer;
	c->requests = origin->requests;
	buf_put(&c->in, origin->in);
	buf_put(&c->out, origin->out);
	if (c->protocol->thaw != NULL && c->protocol->thaw(c, message)) {
		/* No event may come of a peer that takes nothing: the step
		 * arms the time-out. */
		conn_queue(c);
		return true;
	}
	conn_close(c);
	return false;
}

enum io conn_read(struct conn *c)
{
	size_t n;

	if (!c->readable)
		return IO_AGAIN;
	char *into = buf_room(&c->in, BUF_CHUNK / 2);
	enum io io = c->transport->read(c, into, buf_free(&c->in), &n);

	buf_added(&c->in, n);
	c->net->slot->counters.bytes_in += n;
	return io;
}

/* Only where a step would read at once, too; what is rare is left to it. */
void conn_fill(struct conn *c)
{
	if (c->state == CONN_OPEN && c->session == NULL && !c->read_to_end &&
	    buf_length(&c->in) == 0)
		(void)!conn_read(c); /* as good as a read of the step's own */
}

static void count_sent(struct conn *c, size_t n)
{
	c->sent += n;
	c->net->slot->counters.bytes_out += n;
}

/* One write of the pieces; what was sent of c->out is consumed from it. */
static enum io write_pieces(struct conn *c, struct str tail, bool more,
			    size_t *tail_sent_out)
{
	struct iovec pieces[2];
	int n_pieces = 0;
	size_t n, out = buf_length(&c->out);

	*tail_sent_out = 0;
	if (!c->writable)
		return IO_AGAIN;
	if (out > 0)
		pieces[n_pieces++] =
			(struct iovec){c->out.storage + c->out.start, out};
	if (tail.n > 0)
		pieces[n_pieces++] = (struct iovec){(void *)(size_t)tail.p, tail.n};
	enum io io = c->transport->write(c, pieces, n_pieces, more, &n);

	count_sent(c, n);
	size_t of_out = n < out ? n : out;

	buf_consume(&c->out, of_out);
	*tail_sent_out = n - of_out;
	return io;
}

enum io conn_flush(struct conn *c, bool more)
{
	size_t none;

	while (buf_length(&c->out) > 0) {
		enum io io = write_pieces(c, STR(""), more, &none);

		if (io != IO_OK)
			return io;
	}
	return IO_OK;
}

void conn_push(struct conn *c)
{
	if (conn_flush(c, false) == IO_ERROR)
		conn_close(c);
}

enum io conn_flush_with(struct conn *c, struct str *tail)
{
	while (buf_length(&c->out) + tail->n > 0) {
		size_t sent;
		enum io io = write_pieces(c, *tail, false, &sent);

		*tail = str_tail(*tail, sent);
		if (io != IO_OK)
			return io;
	}
	return IO_OK;
}

enum io conn_send_file(struct conn *c, int file, off_t *offset, uint64_t *left)
{
	size_t share = net_file_share(c->net);

	while (*left > 0 && share > 0) {
		size_t n, want = *left < share ? (size_t)*left : share;

		if (!c->writable)
			return IO_AGAIN;
		enum io io = c->transport->send_file(c, file, offset, want, &n);

		if (io != IO_OK)
			return io;
		count_sent(c, n);
		*left -= n;
		share -= n;
	}
	return IO_OK;
}

/* Without what the peer has not acknowledged; tcp(7), unix(7): SIOCOUTQ. */
uint64_t conn_taken(const struct conn *c)
{
	int unsent = 0;

	if (ioctl(c->watch.fd, SIOCOUTQ, &unsent) == -1 || unsent < 0)
		unsent = 0;
	return c->sent - (uint64_t)unsent;
}

void conn_reset(struct conn *c)
{
	static const struct linger at_once = {.l_onoff = 1, .l_linger = 0};

	(void)setsockopt(c->watch.fd, SOL_SOCKET, SO_LINGER, &at_once,
			 sizeof(at_once));
}

void conn_drain(struct conn *c)
{
	if (c->state == CONN_OPEN && conn_obey(c, c->protocol->drain(c)))
		conn_run(c);
}

void conn_cut(struct conn *c)
{
	if (c->state < CONN_CLOSED)
		conn_close(c);
}

static void free_blocks(struct net *net)
{
	while (net->blocks != NULL) {
		struct conn_block *block = net->blocks;

		net->blocks = block->next;
		free(block);
	}
}

/* The rest of net.h that handles connections one by one. */

void net_bury(struct net *net)
{
	while (net->dead != NULL) {
		struct conn *c = net->dead;

		net->dead = c->session;
		c->magic = 0;
		c->session = net->spare;
		net->spare = c;
	}
}

uint64_t net_cut(struct net *net)
{
	uint64_t n = 0;

	LIST_EACH_SAFE (link, &net->conns) {
		struct conn *c = CONTAINER_OF(link, struct conn, link);

		n += c->state == CONN_OPEN; /* who lingers was served */
		conn_cut(c);
	}
	return n;
}

void net_fini(struct net *net)
{
	net_cut(net);
	net_bury(net);
	free_blocks(net);
}
