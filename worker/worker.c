/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The worker process, from fork to exit, as one column: worker_run(). It trusts
 * the master and no other process. When the channel closes, the master is gone:
 * the worker finishes its connections and exits, so that nothing is left behind
 * and the next master can bind.
 */
#include "worker/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/crash.h"
#include "base/defer_accept.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/privileges.h"
#include "base/shared/channel.h"
#include "base/signals.h"
#include "base/title.h"
#include "worker/http/http.h"
#include "worker/http/spool.h"
#include "worker/move/balance.h"
#include "worker/move/handoff.h"
#include "worker/move/rescue.h"
#include "worker/net/listener.h"
#include "worker/net/net.h"
#include "worker/parts.h"
#include "worker/report/access_logs.h"
#include "worker/tls/tls.h"
#include "worker/upstream/resolver.h"
#include "worker/upstream/upstreams.h"

enum {
	/* When the server quits, an idle keep-alive client gets this long to
	 * send a request that is on its way. */
	WORKER_QUIT_GRACE_MS = 500,
	/* Between two looks at whether what was given away was taken, and the
	 * looks after which it is taken back. */
	WORKER_UNREAD_MS = 5,
	WORKER_UNREAD_LOOKS = 20,
	/* After timeouts.drain, for what can be begun again elsewhere. */
	WORKER_LATE_MS = 50,
	/* Between two looks, after timeouts.drain, at what connections do that
	 * are served out. */
	WORKER_RECUT_MS = 1000,
	/* For the access log to be written at the end, and when that is to be
	 * at once. */
	WORKER_LOG_MS = 3000,
	WORKER_LOG_STOP_MS = 500,
	/* For the names of servers to be resolved the first time. */
	WORKER_NAMES_MS = 3000,
};

struct worker {
	const struct worker_env *env;
	struct loop loop;
	struct net net;
	struct handoff handoff;
	struct balance balance;
	struct tls *tls;
	struct http http;
	struct access_logs access_logs;
	struct watch channel;
	struct signals signals;
	struct timer settle;   /* of the log, about clients */
	struct timer deadline; /* of the drain */
	struct timer names;    /* see say_ready() */
	struct timer untaken;  /* see on_untaken() */
	unsigned unread_looks;
	bool has_successor;  /* a new master serves: see MESSAGE_MOVE */
	struct timer let_in; /* without a master: see orphaned() */
	uint64_t cut;        /* connections that did not make it */
	bool keeps;          /* has connections that timeouts.drain is not for */
	bool is_stopping;    /* told to end at once */
	bool failed;
};

/* To the master. */

static void say(struct worker *w, struct message *message)
{
	enum channel_result result;

	if (w->channel.fd == -1) /* it is gone */
		return;
	result = channel_send(w->channel.fd, message, sizeof(*message), NULL, 0);

	/* CHANNEL_CLOSED will be read as such; the rest cannot be helped. When
	 * the master is late with our messages, one more of these tells it
	 * nothing. */
	if (result == CHANNEL_AGAIN &&
	    (message->type == MESSAGE_PAUSED || message->type == MESSAGE_AWAKE ||
	     message->type == MESSAGE_UNEVEN))
		return;
	if (result == CHANNEL_AGAIN || result == CHANNEL_ERROR)
		log_errno(LOG_LEVEL_WARN, "cannot send message %u", message->type);
}

static void say_number(struct worker *w, enum message_type type, uint64_t number)
{
	struct message message = {.type = type, .number = number};

	say(w, &message);
}

static void say_failed(struct worker *w, const char *why)
{
	struct message message = {.type = MESSAGE_FAILED};

	snprintf(message.text, sizeof(message.text), "%s", why);
	say(w, &message);
	w->failed = true;
}

static void on_pause(struct net *net)
{
	say_number(CONTAINER_OF(net, struct worker, net), MESSAGE_PAUSED, 0);
}

static void on_uneven(struct balance *balance)
{
	say_number(CONTAINER_OF(balance, struct worker, balance), MESSAGE_UNEVEN,
		   0);
}

/* The end of the worker's life. */

/* What drain() and move() have in common. */
static void begin_end(struct worker *w)
{
	if (net_is_draining(&w->net))
		return;
	title_set("holdfast: worker %u (generation %u, draining)", w->env->number,
		  w->env->generation);
	balance_stop(&w->balance);
	loop_timer(&w->loop, &w->deadline, w->env->conf->timeouts.drain);
	http_drain(&w->http);
}

/* No other worker will take the connections: finish them here. */
static void drain(struct worker *w, uint64_t idle_grace_ms)
{
	uint64_t max = w->env->conf->timeouts.drain;

	w->http.is_quitting = true;
	begin_end(w);
	handoff_withdraw(&w->handoff);
	if (w->keeps) /* those have that long from now on */
		loop_timer(&w->loop, &w->deadline, max);
	net_drain(&w->net, idle_grace_ms < max ? idle_grace_ms : max);
	/* The connections that were sent and that no worker has received yet.
	 * */
	handoff_take_all(&w->handoff);
	say_number(w, MESSAGE_NOT_ACCEPTING, 0);
}

/* At once. What others have given away is not ours to end. */
static void stop(struct worker *w)
{
	w->is_stopping = true;
	begin_end(w);
	handoff_withdraw(&w->handoff);
	net_drain(&w->net, 0);
	w->cut = net_cut(&w->net, true);
	timer_disarm(&w->deadline); /* there is nothing to wait for */
}

static bool on_idle(struct net *net, struct conn *c)
{
	struct worker *w = CONTAINER_OF(net, struct worker, net);

	return handoff_offer(&w->handoff, c);
}

/* Others take over. */
static void move(struct worker *w)
{
	begin_end(w);
	net_move(&w->net, on_idle);
	say_number(w, MESSAGE_NOT_ACCEPTING, 0);
}

/* The master has to know: it would end us soon. */
static void keep_on(struct worker *w)
{
	struct buf text = {0};

	w->keeps = true;
	net_describe_staying(&w->net, &text);
	log_info("%ju connections are served to their end here: %" STR_FMT,
		 (uintmax_t)w->env->slot->connections, STR_ARG(buf_str(&text)));
	buf_release(&text);
	say_number(w, MESSAGE_KEEPING, w->env->slot->connections);
}

static void on_deadline(struct timer *timer)
{
	struct worker *w = CONTAINER_OF(timer, struct worker, deadline);

	if (w->net.on_idle != NULL && !w->http.is_late) {
		w->http.is_late = true;
		net_offer(&w->net);
		loop_timer(&w->loop, &w->deadline, WORKER_LATE_MS);
		return;
	}
	uint64_t cut = net_cut(&w->net, w->net.on_idle == NULL);

	w->cut += cut;
	if (cut > 0)
		log_warn("%ju connections were cut after timeouts.drain",
			 (uintmax_t)cut);
	if (list_is_empty(&w->net.conns))
		return;
	if (!w->keeps)
		keep_on(w);
	/* What they begin after that is bounded, too. */
	loop_timer(&w->loop, &w->deadline, WORKER_RECUT_MS);
}

static void serve_out_all(struct worker *w)
{
	for (size_t i = 0; i < w->net.n_listeners; i++)
		listener_finish(&w->net.listeners[i]);
}

/* No master: finish as for a quit. */
static void finish_alone(struct worker *w)
{
	serve_out_all(w);
	if (!w->has_successor) /* to whom the connections are going */
		drain(w, WORKER_QUIT_GRACE_MS);
}

static void on_let_in(struct timer *timer)
{
	finish_alone(CONTAINER_OF(timer, struct worker, let_in));
}

/* True when clients that the kernel has held back may be on their way in. */
static bool let_in(struct worker *w)
{
	bool comes = net_keeps_open(&w->net); /* the master was letting in some */

	for (size_t i = 0; i < w->net.n_listeners; i++)
		comes |= listener_let_in(&w->net.listeners[i]);
	return comes;
}

static void orphaned(struct worker *w, const char *why)
{
	loop_remove(&w->loop, &w->channel);
	fd_close(&w->channel.fd);
	if (w->net.state == NET_IDLE) { /* it has never served, and never will */
		log_info("%s", why);
		loop_stop(&w->loop);
		return;
	}
	if (!w->has_successor)
		log_warn("%s: draining", why);
	w->http.is_quitting |= !w->has_successor;
	if (let_in(w))
		loop_timer(&w->loop, &w->let_in, DEFER_ACCEPT_LET_IN_MS);
	else
		finish_alone(w);
}

/* From the master. */

static void reopen(struct worker *w, uint64_t which, const int *fds, size_t n_fds)
{
	if (n_fds != 1)
		return;
	if (which == REOPEN_ERROR_LOG)
		log_set_fd(fds[0]);
	else
		access_logs_reopen(&w->access_logs, which - REOPEN_ACCESS_LOG,
				   fds[0]);
}

static void look(struct worker *w)
{
	for (size_t i = 0; i < w->net.n_listeners; i++)
		listener_look(&w->net.listeners[i]);
}

/* The master waits to hear that it was done. */
static bool change_server(struct worker *w, const struct message *message)
{
	struct server_change change;

	if (memchr(message->text, '\0', sizeof(message->text)) == NULL ||
	    !server_change_parse(message->text, &change))
		return false;
	upstreams_change(w->http.upstreams, &change);
	say_number(w, MESSAGE_CHANGED, message->number);
	return true;
}

static void set_readers(struct worker *w, const char *text)
{
	struct frozen_table readers;

	frozen_table_parse(&readers, text);
	handoff_set_readers(&w->handoff, &readers);
}

/* False for a message that a master never sends. */
static bool obey(struct worker *w, const struct message *message, const int *fds,
		 size_t n_fds)
{
	switch (message->type) {
	case MESSAGE_START:
		if (w->net.state == NET_IDLE) {
			net_start(&w->net);
			balance_start(&w->balance, w->env->generation);
		}
		return true;
	case MESSAGE_LOOK:
		look(w);
		return true;
	case MESSAGE_BALANCE:
		balance_told(&w->balance);
		return true;
	case MESSAGE_KEEP_OPEN:
		if (message->number >= w->net.n_listeners)
			return false;
		w->net.listeners[message->number].is_kept_open = true;
		return true;
	case MESSAGE_SERVE_OUT:
		if (message->number >= w->net.n_listeners)
			return false;
		listener_finish(&w->net.listeners[message->number]);
		return true;
	case MESSAGE_UNREADY:
		w->http.is_quitting = true;
		return true;
	case MESSAGE_MOVE:
		w->has_successor = message->number == 1;
		move(w);
		return true;
	case MESSAGE_DRAIN:
		drain(w, message->number);
		return true;
	case MESSAGE_STOP:
		stop(w);
		return true;
	case MESSAGE_REOPEN:
		reopen(w, message->number, fds, n_fds);
		return true;
	case MESSAGE_READERS:
		set_readers(w, message->text);
		return true;
	case MESSAGE_KEEPER:
		if (n_fds != 1 || w->tls == NULL)
			return false;
		keeper_client_replace(&w->tls->keeper, fds[0]);
		return true;
	case MESSAGE_TICKETS:
		return w->tls != NULL &&
		       ticket_keys_parse(&w->tls->tickets, message->text);
	case MESSAGE_CHANGE:
		return change_server(w, message);
	default:
		return false;
	}
}

static void on_channel(struct watch *watch, uint32_t events)
{
	struct worker *w = CONTAINER_OF(watch, struct worker, channel);
	struct message message;
	int fds[CHANNEL_FDS];
	size_t n, n_fds;

	(void)events;
	while (watch->fd != -1) {
		switch (channel_receive(watch->fd, &message, sizeof(message), &n,
					fds, &n_fds)) {
		case CHANNEL_OK:
			if (n != sizeof(message) || !obey(w, &message, fds, n_fds))
				orphaned(w, "a message that makes no sense");
			break;
		case CHANNEL_AGAIN:
			return;
		case CHANNEL_CLOSED:
			orphaned(w, "the master is gone");
			return;
		case CHANNEL_ERROR:
			orphaned(w, "the channel is broken");
			return;
		}
	}
}

#ifdef HOLDFAST_TEST_HOOKS
/* How a test makes a worker stick. */
static void stick(int number)
{
	for (volatile bool stuck = true; number == SIGUSR2 && stuck;)
		;
}
static const int heard[] = {SIGTERM, SIGQUIT, SIGUSR2};
#else
static const int heard[] = {SIGTERM, SIGQUIT};
#endif

static void on_signal(struct signals *signals, int number)
{
	struct worker *w = CONTAINER_OF(signals, struct worker, signals);

#ifdef HOLDFAST_TEST_HOOKS
	stick(number);
#endif
	/* The master is to know, and to spawn another before this one goes. */
	log_info("got %s: asking the master to be replaced", strsignal(number));
	say_number(w, MESSAGE_SIGNALLED, 0);
}

/* The loop. */

/* The watchdog does not look at workers that rest. */
static void on_wake(struct loop *loop)
{
	say_number(loop->context, MESSAGE_AWAKE, 0);
}

static void on_settle(struct timer *timer)
{
	(void)timer;
	log_client_flush();
}

/* What clients caused and was not logged is to be said, even if nothing else
 * comes. */
static void settle_log(struct worker *w)
{
	uint64_t due = log_client_due();

	if (due != 0 && !timer_is_armed(&w->settle))
		timer_arm(&w->loop.timers, &w->settle, due);
}

/* All connections were sent, and some were not received for a while: the
 * receivers are short of descriptors, or stuck. */
static void on_untaken(struct timer *timer)
{
	struct worker *w = CONTAINER_OF(timer, struct worker, untaken);

	w->unread_looks++;
	if (w->unread_looks % WORKER_UNREAD_LOOKS == 0)
		handoff_take_back(&w->handoff);
}

/* True when this worker is not needed any more. */
static bool is_done(struct worker *w)
{
	if (!net_is_draining(&w->net) || !list_is_empty(&w->net.conns) ||
	    net_keeps_open(&w->net))
		return false;
	if (!handoff_is_unread(&w->handoff) || !timer_is_armed(&w->deadline))
		return true;
	if (w->net.on_idle == NULL) { /* the server ends: no other worker will
				       * do it */
		handoff_take_all(&w->handoff);
		return list_is_empty(&w->net.conns);
	}
	if (!timer_is_armed(&w->untaken))
		loop_timer(&w->loop, &w->untaken, WORKER_UNREAD_MS);
	return false;
}

static void on_tick_end(struct loop *loop)
{
	struct worker *w = loop->context;

	net_free_closed(&w->net);
	net_recount_files(&w->net);
	balance_look(&w->balance);
	settle_log(w);
	if (is_done(w))
		loop_stop(loop);
}

static void on_finished(struct http *http, struct exchange *x)
{
	access_logs_add(http->context, x);
}

/* The beginning. */

static void close_what_is_not_ours(struct worker *w)
{
	const struct worker_env *env = w->env;
	size_t n_listeners = env->conf->n_listeners;
	size_t n_logs = env->conf->log_targets.n, n = 0;
	int *keep = mem_zalloc(n_listeners + n_logs + 4 + LOG_FDS, sizeof(*keep));

	for (size_t i = 0; i < n_listeners; i++)
		keep[n++] = env->listeners[i];
	for (size_t i = 0; i < n_logs; i++)
		keep[n++] = env->access_logs[i];
	keep[n++] = env->channel;
	keep[n++] = env->handoff[0];
	keep[n++] = env->handoff[1];
	keep[n++] = env->keeper;
	log_fds(&keep[n]);
	fd_close_others(keep, n + LOG_FDS);
	free(keep);
}

static void introduce(const struct worker_env *env)
{
	char name[32];

	snprintf(name, sizeof(name), "worker %u", env->number);
	log_set_process(name);
	crash_install(name);
	title_set("holdfast: worker %u (generation %u)", env->number,
		  env->generation);
}

static int open_loop(struct worker *w)
{
	if (loop_init(&w->loop) == -1)
		return -1;
	w->loop.pulse = &w->env->slot->pulse;
	w->loop.on_wake = on_wake;
	w->loop.on_tick_end = on_tick_end;
	w->loop.context = w;
	w->channel = (struct watch){.on_event = on_channel, .fd = w->env->channel};
	w->signals.on_signal = on_signal;
	if (loop_add(&w->loop, &w->channel, EPOLLIN) == -1)
		return -1;
	return signals_open(&w->signals, &w->loop, heard,
			    sizeof(heard) / sizeof(*heard));
}

static void open_net(struct worker *w)
{
	const struct worker_env *env = w->env;
	size_t n = env->conf->n_listeners;

	net_init(&w->net, &w->loop, env->conf, env->slot, parts_transports);
	w->net.on_pause = on_pause;
	net_open_protocols(
		&w->net, parts_protocols,
		&(struct protocol_env){.net = &w->net, .http = &w->http});
	w->net.listeners = mem_zalloc(n, sizeof(struct listener));
	w->net.n_listeners = n;
	for (size_t i = 0; i < n; i++) {
		const struct conf_listener *conf = &env->conf->listeners[i];

		listener_init(&w->net.listeners[i], &w->net, conf,
			      env->listeners[i], parts_transport(conf),
			      parts_protocol(conf->protocol));
		w->net.listeners[i].counted = named_take(
			env->slot->named,
			named_key(NAMED_LISTENER, str_of(conf->name), STR("")));
	}
}

/* Certificates are read with the master's privileges. */
static int open_tls(struct worker *w, char why_out[TLS_WHY])
{
	const struct worker_env *env = w->env;

	w->tls =
		tls_create(&w->loop, env->conf, env->keeper, env->tickets, why_out);
	if (w->tls == NULL)
		return -1;
	env->slot->certificates_until = tls_valid_until(w->tls, env->is_first);
	w->net.tls = w->tls;
	for (size_t i = 0; i < w->tls->n_policies; i++)
		w->net.listeners[i].policy = w->tls->policies[i];
	return 0;
}

static void open_handoff(struct worker *w)
{
	const struct worker_env *env = w->env;

	handoff_init(&w->handoff, &w->net, env->handoff[0], env->handoff[1],
		     env->readers);
	balance_init(&w->balance, &w->net, &w->handoff, env->board);
	w->balance.on_uneven = on_uneven;
}

static int open_http(struct worker *w, const char **why_out)
{
	const struct worker_env *env = w->env;

	if (http_init(&w->http, &w->loop, env->conf, &env->slot->counters,
		      parts_handlers, why_out) == -1)
		return -1;
	router_count_in(&w->http.router, env->slot->named);
	env->slot->pid = (uint64_t)getpid();
	w->http.board = env->board;
	spool_bytes = &env->slot->temp;
	w->http.quota = env->quota;
	w->http.slot = env->number;
	if (env->conf->log_targets.n > 0) {
		access_logs_init(&w->access_logs, &w->loop, env->access_logs,
				 env->conf, &env->slot->counters);
		w->http.on_finished = on_finished;
		w->http.context = &w->access_logs;
	}
	return 0;
}

static bool cannot(struct worker *w, const char *what)
{
	char text[256];

	snprintf(text, sizeof(text), "cannot %s: %s", what, strerror(errno));
	say_failed(w, text);
	return false;
}

/* Until a worker is ready it does not read the channel (a module may hang in its
 * load()), and would not see that its master has died. Kept neither over a
 * change of the user, prctl(2), nor when the worker is ready: then it finishes
 * what it has. */
static bool die_with_master(struct worker *w, bool on)
{
	if (prctl(PR_SET_PDEATHSIG, on ? SIGKILL : 0, 0, 0, 0) == -1)
		return cannot(w, "ask for a signal when the master dies");
	return !on || getppid() == w->env->master;
}

/* For good: no way back to root, and none by a set-user-ID program. */
static bool drop_privileges(struct worker *w)
{
	const struct identity *identity = w->env->identity;
	char what[128];

	privileges_bound_capabilities();
	snprintf(what, sizeof(what), "become user \"%.100s\"", w->env->conf->user);
	if (identity != NULL && privileges_become(identity) == -1)
		return cannot(w, what);
	if (privileges_drop_capabilities() == -1)
		return cannot(w, "drop capabilities");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return cannot(w, "set no_new_privs");
	return true;
}

/* All that can fail. False when it did: the master knows why. */
static bool get_ready(struct worker *w)
{
	const char *why = NULL;
	char text[TLS_WHY];

	if (!die_with_master(w, true))
		return false;
	if (privileges_drop_terminal() == -1)
		return cannot(w, "leave the terminal");
	if (open_loop(w) == -1)
		return cannot(w, "make an event loop");
	open_net(w);
	if (open_tls(w, text) == -1) {
		say_failed(w, text);
		return false;
	}
	open_handoff(w);
	if (open_http(w, &why) == -1) {
		say_failed(w, why);
		return false;
	}
	if (!drop_privileges(w) || !die_with_master(w, true))
		return false;
	if (http_check(&w->http, &why) == -1) {
		say_failed(w, why);
		return false;
	}
	w->http.upstreams = upstreams_create(&w->net, w->env->conf, parts_balancers,
					     w->env->board, w->env->changes);
	return true;
}

static void say_ready(struct worker *w)
{
	timer_disarm(&w->names);
	(void)die_with_master(w, false);
	if (w->channel.fd != -1)
		say_number(w, MESSAGE_READY, 0);
}

static void on_names_late(struct timer *timer)
{
	struct worker *w = CONTAINER_OF(timer, struct worker, names);

	resolver_when_first(w->http.upstreams->resolver, NULL, NULL);
	say_ready(w);
}

static void on_names(void *context)
{
	say_ready(context);
}

/* The first requests should find the names of servers resolved; but a name
 * service that does not answer stops nobody. */
static void get_names(struct worker *w)
{
	struct upstreams *upstreams = w->http.upstreams;

	timer_init(&w->names, on_names_late);
	if (resolver_pending(upstreams->resolver) == 0) {
		say_ready(w);
		return;
	}
	resolver_when_first(upstreams->resolver, on_names, w);
	loop_timer(&w->loop, &w->names, WORKER_NAMES_MS);
}

static void serve(struct worker *w)
{
	rescue_set(&w->handoff);
	timer_init(&w->settle, on_settle);
	timer_init(&w->deadline, on_deadline);
	timer_init(&w->untaken, on_untaken);
	timer_init(&w->let_in, on_let_in);
	get_names(w);
	loop_run(&w->loop);
	say_number(w, MESSAGE_DRAINED, w->cut);
}

/* Does not return when the log is stuck: a thread still has some of it. */
static void end_access_log(struct worker *w)
{
	uint64_t ms = w->is_stopping ? WORKER_LOG_STOP_MS : WORKER_LOG_MS;

	if (w->http.on_finished != NULL && !access_logs_fini(&w->access_logs, ms))
		_exit(w->failed ? 1 : 0);
}

static void clean_up(struct worker *w)
{
	rescue_set(NULL);
	net_fini(&w->net);
	upstreams_destroy(&w->http.upstreams);
	if (w->net.loop != NULL)
		net_free_closed(&w->net);
	tls_destroy(&w->tls);
	free(w->net.listeners);
	if (w->handoff.net != NULL)
		handoff_fini(&w->handoff);

	log_client_end();
	http_fini(&w->http);
	end_access_log(w);
	signals_close(&w->signals);
	loop_fini(&w->loop);
	buf_free_all();
}

int worker_run(const struct worker_env *env)
{
	struct worker *w = mem_zalloc(1, sizeof(*w));
	bool failed;

	w->env = env;
	w->signals.watch.fd = -1;
	w->loop.epoll_fd = -1;
	w->channel.fd = env->channel;

	close_what_is_not_ours(w);
	introduce(env);
	if (get_ready(w))
		serve(w);
	clean_up(w);
	failed = w->failed;
	free(w);
	return failed ? 1 : 0;
}

bool worker_client_speaks_first(const struct conf_listener *conf)
{
	return conf->tls != NULL ||
	       parts_protocol(conf->protocol)->client_speaks_first;
}
