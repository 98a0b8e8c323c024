/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads into c->socket.in, sends c->socket.in back. What was read and could not be
 * sent yet is at most one chunk: then nothing more is read, the kernel's buffers
 * fill, and the client is held by its own TCP window. There is no time-out; a peer
 * that vanished is found by TCP keep-alive, set on the listening socket.
 */
#include "worker/proto/echo.h"

#include "base/addr.h"
#include "base/log.h"
#include "worker/net/conn.h"

/* A drain ends an echo connection when all it has sent came back and nothing
 * arrived for a while: the timer runs only while draining. */
static void wait_for_silence(struct conn *c)
{
	if (net_is_draining(c->socket.net) && conn_has_to_close(c))
		socket_set_timeout(&c->socket, c->socket.net->idle_grace_ms);
}

static enum step echo_step(struct conn *c)
{
	struct str back = buf_str(&c->socket.in);

	if (back.n > 0) {
		size_t before = back.n;
		enum io io = socket_flush_with(&c->socket, &back);

		buf_consume(&c->socket.in, before - back.n);
		if (io == IO_ERROR)
			return STEP_FAIL;
		if (io == IO_AGAIN && buf_length(&c->socket.in) >= BUF_CHUNK / 2)
			return STEP_WAIT; /* back-pressure */
	}
	switch (socket_read(&c->socket)) {
	case IO_OK:
		return STEP_MORE;
	case IO_AGAIN:
		wait_for_silence(c);
		return STEP_WAIT;
	case IO_EOF:
		/* Half-closed: what it sent before still goes back. */
		return buf_length(&c->socket.in) > 0 ? STEP_WAIT : STEP_DONE;
	default:
		return STEP_FAIL;
	}
}

static enum step echo_timeout(struct conn *c)
{
	return buf_length(&c->socket.in) > 0 ? STEP_WAIT : STEP_DONE;
}

static bool echo_is_idle(const struct conn *c)
{
	return buf_length(&c->socket.in) == 0 && buf_length(&c->socket.out) == 0;
}

/* What waits to go back is in c->socket.in; there is nothing else to remember. */
static bool echo_freeze(const struct conn *c, struct frozen_writer *message)
{
	(void)c;
	(void)message;
	return true;
}

static bool echo_rests(const struct conn *c)
{
	return buf_length(&c->socket.out) == 0;
}

static bool echo_thaw(struct conn *c, struct frozen_reader *message)
{
	(void)c;
	return frozen_next(message) == 0;
}

const struct protocol echo_protocol = {
	.name = "echo",
	.client_speaks_first = true,
	.step = echo_step,
	.timeout = echo_timeout,
	.is_idle = echo_is_idle,
	.freeze = echo_freeze,
	.rests = echo_rests,
	.thaw = echo_thaw,
};
