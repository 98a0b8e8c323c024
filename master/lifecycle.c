/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of states and events, and the only setter of m->state. No other
 * file asks which state the master is in to decide what to do: whatever
 * depends on it is a row of the table or a column of states[].
 */
#include "master/lifecycle.h"

#include "base/log.h"
#include "master/ending.h"
#include "master/handover.h"
#include "master/master.h"
#include "master/reload.h"
#include "master/verdict.h"
#include "master/workforce.h"

static const struct {
	const char *name;
	const char *refusal; /* of a request that has no row */
	bool replaces;       /* workers that die */
	bool unready;        /* health checks are answered with 503 */
	bool changes;        /* servers of upstreams may be changed */
} states[LIFE_COUNT] = {
	[LIFE_STARTING] = {"starting", "the server is starting", false, false,
			   false},
	[LIFE_SERVING] = {"serving", "the server is serving", true, false, true},
	[LIFE_RELOADING] = {"reloading", "the server is reloading", true, false,
			    true},
	[LIFE_UPGRADING] = {"upgrading", "the server is upgrading", true, false,
			    false},
	[LIFE_HANDING_OVER] = {"handing over", "a new master serves", false, false,
			       false},
	[LIFE_LINGERING] = {"lingering", "the server is shutting down", true, true,
			    false},
	[LIFE_QUITTING] = {"quitting", "the server is shutting down", false, true,
			   false},
	[LIFE_STOPPING] = {"stopping", "the server is shutting down", false, true,
			   false},
	[LIFE_GONE] = {"gone", "the server has shut down", false, true, false},
};

static const char *const event_names[EVENT_COUNT] = {
	[EVENT_READY] = "ready",   [EVENT_FAILED] = "failed",
	[EVENT_RELOAD] = "reload", [EVENT_UPGRADE] = "upgrade",
	[EVENT_QUIT] = "quit",     [EVENT_TERM] = "term",
	[EVENT_STOP] = "stop",     [EVENT_LINGERED] = "lingered",
	[EVENT_MORE] = "more",     [EVENT_REOPEN] = "reopen",
	[EVENT_FEWER] = "fewer",   [EVENT_EMPTY] = "empty",
	[EVENT_ALONE] = "alone",
};

const char *life_name(enum life state)
{
	return states[state].name;
}

bool life_replaces(enum life state)
{
	return states[state].replaces;
}

bool life_is_unready(enum life state)
{
	return states[state].unready;
}

bool life_takes_changes(enum life state)
{
	return states[state].changes;
}

const char *life_refusal(enum life state)
{
	return states[state].refusal;
}

/* The table. An event without an action in a state is ignored there; a
 * request without one is refused. */

static const struct {
	void (*act)(struct master *m);
	enum life next;
} table[LIFE_COUNT][EVENT_COUNT] = {
	[LIFE_STARTING] =
		{
			[EVENT_READY] = {reload_commit, LIFE_SERVING},
			[EVENT_FAILED] = {ending_fail_to_start, LIFE_STOPPING},
			[EVENT_RELOAD] = {reload_queue, LIFE_STARTING},
			[EVENT_REOPEN] = {reload_reopen, LIFE_STARTING},
			[EVENT_QUIT] = {ending_stop, LIFE_STOPPING},
			[EVENT_TERM] = {ending_stop, LIFE_STOPPING},
			[EVENT_STOP] = {ending_stop, LIFE_STOPPING},
		},
	[LIFE_SERVING] =
		{
			[EVENT_RELOAD] = {reload_begin, LIFE_RELOADING},
			[EVENT_UPGRADE] = {handover_begin, LIFE_UPGRADING},
			[EVENT_QUIT] = {ending_linger, LIFE_LINGERING},
			[EVENT_TERM] = {ending_linger, LIFE_LINGERING},
			[EVENT_STOP] = {ending_stop, LIFE_STOPPING},
			[EVENT_REOPEN] = {reload_reopen, LIFE_SERVING},
			[EVENT_MORE] = {workforce_more, LIFE_SERVING},
			[EVENT_FEWER] = {workforce_fewer, LIFE_SERVING},
			[EVENT_ALONE] = {handover_announce, LIFE_SERVING},
		},
	[LIFE_RELOADING] =
		{
			[EVENT_READY] = {reload_commit, LIFE_SERVING},
			[EVENT_FAILED] = {reload_roll_back, LIFE_SERVING},
			[EVENT_RELOAD] = {reload_queue, LIFE_RELOADING},
			[EVENT_QUIT] = {ending_linger, LIFE_LINGERING},
			[EVENT_TERM] = {ending_linger, LIFE_LINGERING},
			[EVENT_STOP] = {ending_stop, LIFE_STOPPING},
			[EVENT_REOPEN] = {reload_reopen, LIFE_RELOADING},
			[EVENT_MORE] = {workforce_more, LIFE_RELOADING},
			[EVENT_FEWER] = {workforce_fewer, LIFE_RELOADING},
		},
	[LIFE_UPGRADING] =
		{
			[EVENT_READY] = {handover_commit, LIFE_HANDING_OVER},
			[EVENT_FAILED] = {handover_fail, LIFE_SERVING},
			[EVENT_UPGRADE] = {handover_join, LIFE_UPGRADING},
			[EVENT_RELOAD] = {reload_queue, LIFE_UPGRADING},
			[EVENT_QUIT] = {ending_linger, LIFE_LINGERING},
			[EVENT_TERM] = {ending_linger, LIFE_LINGERING},
			[EVENT_STOP] = {ending_stop, LIFE_STOPPING},
			[EVENT_REOPEN] = {reload_reopen, LIFE_UPGRADING},
			[EVENT_MORE] = {workforce_more, LIFE_UPGRADING},
			[EVENT_FEWER] = {workforce_fewer, LIFE_UPGRADING},
		},
	[LIFE_HANDING_OVER] =
		{
			[EVENT_FAILED] = {handover_lose, LIFE_HANDING_OVER},
			[EVENT_QUIT] = {handover_quit, LIFE_QUITTING},
			[EVENT_TERM] = {handover_quit, LIFE_QUITTING},
			[EVENT_STOP] = {ending_stop, LIFE_STOPPING},
			[EVENT_REOPEN] = {reload_reopen, LIFE_HANDING_OVER},
			[EVENT_EMPTY] = {ending_finish, LIFE_GONE},
		},
	[LIFE_LINGERING] =
		{
			[EVENT_LINGERED] = {ending_quit, LIFE_QUITTING},
			[EVENT_QUIT] = {ending_join, LIFE_LINGERING},
			[EVENT_TERM] = {ending_stop, LIFE_STOPPING},
			[EVENT_STOP] = {ending_stop, LIFE_STOPPING},
			[EVENT_REOPEN] = {reload_reopen, LIFE_LINGERING},
		},
	[LIFE_QUITTING] =
		{
			[EVENT_QUIT] = {ending_join, LIFE_QUITTING},
			[EVENT_TERM] = {ending_stop, LIFE_STOPPING},
			[EVENT_STOP] = {ending_stop, LIFE_STOPPING},
			[EVENT_REOPEN] = {reload_reopen, LIFE_QUITTING},
			[EVENT_EMPTY] = {ending_finish, LIFE_GONE},
		},
	[LIFE_STOPPING] =
		{
			[EVENT_QUIT] = {ending_join, LIFE_STOPPING},
			[EVENT_TERM] = {ending_join, LIFE_STOPPING},
			[EVENT_STOP] = {ending_join, LIFE_STOPPING},
			[EVENT_EMPTY] = {ending_finish, LIFE_GONE},
		},
};

void lifecycle_event(struct master *m, enum event event)
{
	void (*act)(struct master *) = table[m->state][event].act;
	enum life next = table[m->state][event].next;

	log_debug("%s: %s%s", life_name(m->state), event_names[event],
		  act == NULL ? ", ignored in this state" : "");
	if (act == NULL)
		return;
	if (next != m->state)
		log_debug("%s -> %s", life_name(m->state), life_name(next));
	m->state = next;
	act(m);
}

/* Where those who ask for the same thing wait for its outcome. */
static struct verdict *verdict_of(struct master *m, enum event event)
{
	switch (event) {
	case EVENT_RELOAD:
		return &m->next_reload;
	case EVENT_UPGRADE:
		return &m->upgrading;
	case EVENT_REOPEN:
		return &m->reopening;
	case EVENT_MORE:
	case EVENT_FEWER:
		return &m->resizing;
	default:
		return &m->ending;
	}
}

void lifecycle_ask(struct master *m, enum event event,
		   struct control_client *client)
{
	struct verdict *verdict = verdict_of(m, event), refused;

	if (table[m->state][event].act != NULL) {
		verdict_ask(verdict, client);
		lifecycle_event(m, event);
		return;
	}
	verdict_init(&refused, event_names[event], &m->notify);
	verdict_ask(&refused, client);
	verdict_refuse(&refused, states[m->state].refusal);
}
