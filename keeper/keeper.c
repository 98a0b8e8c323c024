/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keeper process as one column, keeper_run(): it gives up what it can, and
 * then answers. Its only descriptors are channels: one to the master, one to
 * each worker. It trusts the master, and workers with nothing but the use of
 * keys. It ends when the master and all workers have gone: workers that outlive
 * their master, as in an upgrade, go on making handshakes.
 */
#include "keeper/keeper.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/err.h>

#include "base/crash.h"
#include "base/fd.h"
#include "base/list.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/shared/channel.h"
#include "base/title.h"
#include "keeper/keys.h"

enum {
	KEEPER_BATCH = 16, /* requests of a worker in one go */
	/* Bytes of memory that libcrypto locks, and the smallest piece of it;
	 * powers of two. */
	KEEPER_SECURE = 1 << 20,
	KEEPER_SECURE_MIN = 32,
};

struct keeper {
	struct loop loop;
	struct keys *keys;
	struct watch master;
	struct list clients;
	struct list gone; /* to be freed at the end of the tick */
	bool must_save;   /* keys were added */
};

/* A worker. */
struct client {
	struct list link;
	struct keeper *keeper;
	struct watch channel;
	/* An answer that the worker has no room for; it reads, or is gone. */
	struct keeper_answer answer;
	bool has_answer;
};

static void end_if_alone(struct keeper *k)
{
	if (k->master.fd == -1 && list_is_empty(&k->clients))
		loop_stop(&k->loop);
}

/* The master. */

static void send_memory(struct keeper *k)
{
	struct keeper_order order = {.type = KEEPER_MEMORY};
	int fd = keys_save(k->keys);

	k->must_save = false;
	if (fd == -1) {
		log_errno(LOG_LEVEL_WARN,
			  "the keys cannot be saved for the next keeper");
		return;
	}
	if (channel_send(k->master.fd, &order, sizeof(order), &fd, 1) != CHANNEL_OK)
		log_errno(LOG_LEVEL_WARN, "cannot tell the master of the keys");
	fd_close(&fd);
}

static void load(struct keeper *k, const char *path, int fd)
{
	const char *why = keys_load(k->keys, path, fd);

	/* Whoever needs it is told, too. */
	if (why != NULL)
		log_debug("%s: %s", path, why);
	k->must_save = true;
	ERR_clear_error();
}

static void on_request(struct watch *watch, uint32_t events);

static void add_client(struct keeper *k, int fd)
{
	struct client *client = mem_zalloc(1, sizeof(*client));

	client->keeper = k;
	client->channel = (struct watch){on_request, fd};
	if (loop_add(&k->loop, &client->channel, EPOLLIN) == -1) {
		log_errno(LOG_LEVEL_WARN, "cannot watch a worker");
		close(fd);
		free(client);
		return;
	}
	list_append(&k->clients, &client->link);
}

static void obey(struct keeper *k, struct keeper_order *order, int fd)
{
	order->path[sizeof(order->path) - 1] = '\0';
	switch (order->type) {
	case KEEPER_LOAD:
		load(k, order->path, fd);
		break;
	case KEEPER_RESTORE:
		if (!keys_restore(k->keys, fd))
			log_error("the keys of the last keeper cannot be read");
		k->must_save = true;
		break;
	case KEEPER_CLIENT:
		add_client(k, fd);
		return; /* it has the descriptor */
	default:
		log_error("the master sent order %u", order->type);
	}
	close(fd);
}

static void lose_master(struct keeper *k)
{
	loop_close(&k->loop, &k->master);
	end_if_alone(k);
}

static void hear_master(struct keeper *k)
{
	struct keeper_order order;
	int fds[CHANNEL_FDS];
	size_t n, n_fds;

	while (k->master.fd != -1) {
		switch (channel_receive(k->master.fd, &order, sizeof(order), &n,
					fds, &n_fds)) {
		case CHANNEL_OK:
			if (n == sizeof(order) && n_fds == 1)
				obey(k, &order, fds[0]);
			break;
		case CHANNEL_AGAIN:
			if (k->must_save)
				send_memory(k);
			return;
		default:
			lose_master(k);
		}
	}
}

static void on_order(struct watch *watch, uint32_t events)
{
	(void)events;
	hear_master(CONTAINER_OF(watch, struct keeper, master));
}

/* Workers. */

static void lose_client(struct client *client)
{
	struct keeper *k = client->keeper;

	loop_close(&k->loop, &client->channel);
	list_remove(&client->link);
	list_append(&k->gone, &client->link);
	end_if_alone(k);
}

/* False when it waits: for room, or because the worker is gone. */
static bool answer(struct client *client)
{
	switch (channel_send(client->channel.fd, &client->answer,
			     sizeof(client->answer), NULL, 0)) {
	case CHANNEL_OK:
		if (client->has_answer)
			loop_modify(&client->keeper->loop, &client->channel,
				    EPOLLIN);
		client->has_answer = false;
		return true;
	case CHANNEL_AGAIN:
		if (!client->has_answer)
			loop_modify(&client->keeper->loop, &client->channel,
				    EPOLLOUT);
		client->has_answer = true;
		return false;
	default:
		lose_client(client);
		return false;
	}
}

static void serve_one(struct client *client, const struct keeper_request *request)
{
	struct keeper *k = client->keeper;

	/* The master may have sent the key just now. */
	if (request->type == KEEPER_FITS)
		hear_master(k);
	keys_answer(k->keys, request, &client->answer);
	ERR_clear_error();
}

static void on_request(struct watch *watch, uint32_t events)
{
	struct client *client = CONTAINER_OF(watch, struct client, channel);
	struct keeper_request request;
	int fds[CHANNEL_FDS];
	size_t n, n_fds;

	(void)events;
	if (client->has_answer && !answer(client))
		return;
	for (int i = 0; i < KEEPER_BATCH; i++) {
		switch (channel_receive(watch->fd, &request, sizeof(request), &n,
					fds, &n_fds)) {
		case CHANNEL_OK:
			while (n_fds > 0)
				close(fds[--n_fds]);
			if (n != sizeof(request)) {
				lose_client(client);
				return;
			}
			serve_one(client, &request);
			if (!answer(client))
				return;
			break;
		case CHANNEL_AGAIN:
			return;
		default:
			lose_client(client);
			return;
		}
	}
}

/* The process. */

static void on_tick_end(struct loop *loop)
{
	struct keeper *k = loop->context;

	LIST_EACH_SAFE (link, &k->gone) {
		list_remove(link);
		free(CONTAINER_OF(link, struct client, link));
	}
}

static void close_what_is_not_ours(const struct keeper_env *env)
{
	int keep[1 + LOG_FDS];

	keep[0] = env->channel;
	log_fds(&keep[1]);
	fd_close_others(keep, 1 + LOG_FDS);
}

/* Nobody else is to read our memory: no core dump, no ptrace(2) by the same
 * user, nothing on a disk. What the system does not let us do is no reason not
 * to serve. */
static void hide_memory(void)
{
	static const struct rlimit none = {0, 0};
	static const struct rlimit any = {RLIM_INFINITY, RLIM_INFINITY};

	(void)setrlimit(RLIMIT_CORE, &none);
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1)
		log_errno(LOG_LEVEL_WARN, "others may read the keeper's memory");
	/* With a limit on it, locked memory that grows is refused. Libcrypto
	 * has a part of its own for keys, which is small. */
	if (setrlimit(RLIMIT_MEMLOCK, &any) == 0)
		(void)mlockall(MCL_CURRENT | MCL_FUTURE);
	(void)CRYPTO_secure_malloc_init(KEEPER_SECURE, KEEPER_SECURE_MIN);
}

static bool drop_privileges(const struct identity *identity)
{
	/* No interfaces but a loopback of its own; root only. */
	(void)!unshare(CLONE_NEWNET);
	privileges_bound_capabilities();
	if (identity != NULL && privileges_become(identity) == -1)
		return false;
	return privileges_drop_capabilities() == 0 &&
	       prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

static bool get_ready(struct keeper *k, const struct keeper_env *env)
{
	close_what_is_not_ours(env);
	log_set_process("keeper");
	crash_install("keeper");
	title_set("holdfast: keeper");
	if (privileges_drop_terminal() == -1 || loop_init(&k->loop) == -1)
		return false;
	k->loop.on_tick_end = on_tick_end;
	k->loop.context = k;
	k->master = (struct watch){on_order, env->channel};
	hide_memory();
	if (!drop_privileges(env->identity))
		return false;
	hide_memory(); /* a change of the user undoes a part of it */
	return loop_add(&k->loop, &k->master, EPOLLIN) == 0;
}

int keeper_run(const struct keeper_env *env)
{
	struct keeper k = {.keys = keys_create()};
	bool is_ready;

	list_init(&k.clients);
	list_init(&k.gone);
	is_ready = get_ready(&k, env);
	if (is_ready)
		loop_run(&k.loop);
	else
		log_errno(LOG_LEVEL_ERROR, "the keeper cannot start");
	keys_destroy(&k.keys);
	return is_ready ? 0 : 1;
}
