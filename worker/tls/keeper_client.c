/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker/tls/keeper_client.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/shared/channel.h"

enum { FITS_MS = 5000 };

/* The keeper is gone: what it has not answered is asked again. */
static void lose_keeper(struct keeper_client *client)
{
	loop_close(client->loop, &client->channel);
	LIST_EACH (link, &client->calls)
		CONTAINER_OF(link, struct keeper_call, link)->is_sent = false;
}

static void send_calls(struct keeper_client *client)
{
	LIST_EACH (link, &client->calls) {
		struct keeper_call *call =
			CONTAINER_OF(link, struct keeper_call, link);

		if (call->is_sent || client->channel.fd == -1)
			continue;
		switch (channel_send(client->channel.fd, &call->request,
				     sizeof(call->request), NULL, 0)) {
		case CHANNEL_OK:
			call->is_sent = true;
			break;
		case CHANNEL_AGAIN: /* an event comes */
			return;
		default:
			lose_keeper(client);
			return;
		}
	}
}

static void take_answer(struct keeper_client *client,
			const struct keeper_answer *answer)
{
	LIST_EACH (link, &client->calls) {
		struct keeper_call *call =
			CONTAINER_OF(link, struct keeper_call, link);

		if (call->request.number != answer->number)
			continue;
		list_remove(&call->link);
		call->answer = *answer;
		call->is_answered = true;
		call->on_answered(call);
		return;
	}
}

static enum channel_result receive(struct keeper_client *client,
				   struct keeper_answer *answer)
{
	int fds[CHANNEL_FDS];
	size_t n, n_fds;
	enum channel_result result = channel_receive(
		client->channel.fd, answer, sizeof(*answer), &n, fds, &n_fds);

	if (result != CHANNEL_OK)
		return result;
	while (n_fds > 0)
		close(fds[--n_fds]);
	return n == sizeof(*answer) && answer->n_signature <= KEEPER_SIGNATURE
		       ? CHANNEL_OK
		       : CHANNEL_ERROR;
}

static void on_event(struct watch *watch, uint32_t events)
{
	struct keeper_client *client =
		CONTAINER_OF(watch, struct keeper_client, channel);
	struct keeper_answer answer;

	(void)events;
	while (client->channel.fd != -1) {
		enum channel_result result = receive(client, &answer);

		if (result == CHANNEL_AGAIN)
			break;
		if (result == CHANNEL_OK)
			take_answer(client, &answer);
		else
			lose_keeper(client);
	}
	send_calls(client);
}

void keeper_client_init(struct keeper_client *client, struct loop *loop, int fd)
{
	*client = (struct keeper_client){.loop = loop, .channel = {on_event, fd}};
	list_init(&client->calls);
}

void keeper_client_fini(struct keeper_client *client)
{
	if (client->channel.fd != -1)
		loop_close(client->loop, &client->channel);
}

int keeper_client_start(struct keeper_client *client)
{
	if (client->channel.fd == -1)
		return 0;
	return loop_add(client->loop, &client->channel,
			EPOLLIN | EPOLLOUT | EPOLLET);
}

void keeper_client_replace(struct keeper_client *client, int fd)
{
	if (client->channel.fd != -1)
		lose_keeper(client);
	client->channel.fd = fd;
	if (keeper_client_start(client) == -1) {
		log_errno(LOG_LEVEL_ERROR, "cannot watch the keeper");
		fd_close(&client->channel.fd);
		return;
	}
	send_calls(client);
}

bool keeper_client_fits(struct keeper_client *client, const uint8_t key[KEEPER_ID],
			const char *path, char why_out[KEEPER_WHY])
{
	struct keeper_request request = {.type = KEEPER_FITS,
					 .number = ++client->last_number};
	struct keeper_answer answer = {0};
	struct pollfd ready = {.fd = client->channel.fd, .events = POLLIN};
	size_t n = strlen(path);

	snprintf(why_out, KEEPER_WHY, "the keeper does not answer");
	if (n > KEEPER_DATA)
		return false;
	request.n_data = (uint16_t)n;
	memcpy(request.data, path, n);
	memcpy(request.key, key, KEEPER_ID);
	if (channel_send(client->channel.fd, &request, sizeof(request), NULL, 0) !=
		    CHANNEL_OK ||
	    poll(&ready, 1, FITS_MS) != 1 ||
	    receive(client, &answer) != CHANNEL_OK ||
	    answer.number != request.number)
		return false;
	if (!answer.is_done)
		snprintf(why_out, KEEPER_WHY, "%.*s", answer.n_signature,
			 (const char *)answer.signature);
	return answer.is_done;
}

void keeper_client_ask(struct keeper_client *client, struct keeper_call *call)
{
	call->request.type = KEEPER_SIGN;
	call->request.number = ++client->last_number;
	call->is_sent = call->is_answered = false;
	list_append(&client->calls, &call->link);
	send_calls(client);
}

void keeper_client_cancel(struct keeper_call *call)
{
	list_remove(&call->link);
}
