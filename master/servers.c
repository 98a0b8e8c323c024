/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First the words of the verb and what they name; then the change itself, one
 * function for each kind; then waiting for the workers; at last what a reload
 * makes of changes.
 */
#include "master/servers.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/tunable.h"
#include "conf/suggest.h"
#include "conf/values.h"
#include "master/known_servers.h"
#include "master/master.h"
#include "master/report/upstream_status.h"

enum {
	CHANGE_MS = 5000, /* for every worker to confirm */
	CHANGES_MAX = 1024,
	WORDS = 5,
};

/* A client that asks, as far as it is understood. */
struct request {
	struct master *m;
	struct control_client *client;
	struct str words[WORDS];
	size_t n;
	const struct conf_upstream *upstream;
};

/* A change that not every worker has confirmed yet. */
struct change_wait {
	struct list link;    /* in servers->waiting */
	struct list clients; /* control_client.waiting: one, or it is gone */
	struct master *m;
	struct timer timer;
	uint64_t number; /* see child->changed */
	char text[WHY_SIZE];
};

__attribute__((format(printf, 2, 3))) static void refuse(const struct request *r,
							 const char *format, ...)
{
	char text[WHY_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text) - 1, format, args);
	va_end(args);
	strcat(text, "\n");
	control_answer(r->client, false, str_of(text));
}

/* The words. */

static bool split(struct request *r, const char *words)
{
	struct str rest = str_of(words);

	while (rest.n > 0) {
		struct str word = str_cut(&rest, ' ');

		if (word.n == 0)
			continue;
		if (r->n == WORDS)
			return false;
		r->words[r->n++] = word;
	}
	return true;
}

static bool is_word(const struct request *r, size_t i, const char *word)
{
	return i < r->n && str_equal(r->words[i], str_of(word));
}

bool servers_are_changed_by(const char *words)
{
	struct request r = {0};

	return !split(&r, words) || r.n > (is_word(&r, 0, "--json") ? 2 : 1);
}

static void refuse_unknown(const struct request *r, const char *what,
			   const struct suggest *nearest)
{
	if (nearest->best.n > 0)
		refuse(r,
		       "there is no %s \"%" STR_FMT "\"; did you mean \"%" STR_FMT
		       "\"?",
		       what, STR_ARG(nearest->wrong), STR_ARG(nearest->best));
	else
		refuse(r, "there is no %s \"%" STR_FMT "\"", what,
		       STR_ARG(nearest->wrong));
}

/* False when it was refused. */
static bool find_upstream(struct request *r, struct str name)
{
	const struct conf *conf = r->m->serving->conf;
	struct suggest nearest = {.wrong = name};

	for (size_t i = 0; i < conf->n_upstreams; i++) {
		if (str_equal(str_of(conf->upstreams[i].name), name)) {
			r->upstream = &conf->upstreams[i];
			return true;
		}
		suggest_offer(&nearest, str_of(conf->upstreams[i].name));
	}
	refuse_unknown(r, "upstream", &nearest);
	return false;
}

/* As the configuration would have it, and as servers are named: in canonical
 * form. NULL, or a sentence that says what is wrong. */
static const char *parse_address(struct str text, char canonical_out[ADDR_TEXT])
{
	struct addr addr;
	const char *why = addr_parse(text, &addr);

	if (value_is_named_server(text) && why != NULL && text.n < ADDR_TEXT)
		snprintf(canonical_out, ADDR_TEXT, "%" STR_FMT, STR_ARG(text));
	else if (why != NULL)
		return why;
	else
		addr_format(&addr, canonical_out);
	return NULL;
}

static bool parse_weight(const struct request *r, struct str text, uint32_t *out)
{
	uint64_t weight;

	if (!str_to_u64(text, &weight) || weight < 1 ||
	    weight > SERVER_WEIGHT_MAX) {
		refuse(r, "a weight is a number from 1 to %d, not \"%" STR_FMT "\"",
		       SERVER_WEIGHT_MAX, STR_ARG(text));
		return false;
	}
	*out = (uint32_t)weight;
	return true;
}

/* The server of that name, written as it is or in another form of its address.
 * False when there is none, and it was refused. */
static bool find_server(const struct request *r, struct str name,
			struct server_view *view_out)
{
	struct server_views views;
	struct suggest nearest = {.wrong = name};
	char canonical[ADDR_TEXT];
	bool found = false;

	if (parse_address(name, canonical) != NULL)
		snprintf(canonical, sizeof(canonical), "%" STR_FMT, STR_ARG(name));
	server_views_make(r->m, r->upstream, &views);
	for (size_t i = 0; i < views.n && !found; i++) {
		const struct server_view *v = &views.items[i];

		found = str_equal(str_of(v->text), name) ||
			strcmp(v->text, canonical) == 0;
		if (found)
			*view_out = *v;
		else
			suggest_offer(&nearest, str_of(v->text));
	}
	if (!found)
		refuse_unknown(r, "server", &nearest);
	server_views_fini(&views);
	return found;
}

/* Waiting for the workers. */

static bool has_to_confirm(const struct master *m, const struct child *c,
			   uint64_t number)
{
	return c->generation == m->serving && c->state == CHILD_SERVING &&
	       c->changed < number;
}

static bool is_confirmed(struct master *m, uint64_t number)
{
	for (struct child *c = NULL;
	     (c = children_next(&m->children, m->serving, c)) != NULL;)
		if (has_to_confirm(m, c, number))
			return false;
	return true;
}

static void end_wait(struct change_wait *wait, bool ok, struct str text)
{
	if (!list_is_empty(&wait->clients))
		control_answer(CONTAINER_OF(wait->clients.next,
					    struct control_client, waiting),
			       ok, text);
	timer_detach(&wait->m->loop.timers, &wait->timer);
	list_remove(&wait->link);
	free(wait);
}

void servers_check(struct master *m)
{
	LIST_EACH_SAFE (link, &m->servers.waiting) {
		struct change_wait *wait =
			CONTAINER_OF(link, struct change_wait, link);

		if (is_confirmed(m, wait->number))
			end_wait(wait, true, str_of(wait->text));
	}
}

/* They have the message, and will do it when they go on. */
static void on_change_time(struct timer *timer)
{
	struct change_wait *wait = CONTAINER_OF(timer, struct change_wait, timer);
	struct master *m = wait->m;
	struct buf text = {0};

	for (struct child *c = NULL;
	     (c = children_next(&m->children, m->serving, c)) != NULL;)
		if (has_to_confirm(m, c, wait->number))
			buf_printf(&text,
				   "worker %u (pid %d) has not confirmed the "
				   "change in time; it will heed it when it "
				   "answers, or be replaced\n",
				   c->number, (int)c->pid);
	end_wait(wait, buf_length(&text) == 0, buf_str(&text));
	buf_release(&text);
}

static void wait_for_workers(const struct request *r, const char *text)
{
	struct master *m = r->m;
	struct change_wait *wait = mem_zalloc(1, sizeof(*wait));

	wait->m = m;
	wait->number = m->children.last_change;
	snprintf(wait->text, sizeof(wait->text), "%.*s\n", WHY_SIZE - 2, text);
	list_init(&wait->clients);
	list_append(&wait->clients, &r->client->waiting);
	list_append(&m->servers.waiting, &wait->link);
	timer_init(&wait->timer, on_change_time);
	loop_timer(&m->loop, &wait->timer, tunable("CHANGE_MS", CHANGE_MS));
	servers_check(m);
}

/* Changing. */

/* What there is of that server, to be changed. */
static struct server_change current(const struct request *r, const char *server)
{
	struct str upstream = str_of(r->upstream->name), name = str_of(server);
	const struct server_change *known =
		server_changes_find(&r->m->children.changes, upstream, name);

	if (known != NULL)
		return *known;
	return (struct server_change){.upstream = upstream, .server = name};
}

/* `kept` is what new workers get, which differs from `told` for a server that is
 * removed and that the configuration does not have either. */
static void change(const struct request *r, const struct server_change *told,
		   const struct server_change *kept, const char *what)
{
	struct children *children = &r->m->children;
	char text[WHY_SIZE], line[SERVER_CHANGE_TEXT];

	snprintf(text, sizeof(text), "upstream %s: server %" STR_FMT ": %s",
		 r->upstream->name, STR_ARG(told->server), what);
	if (!server_change_format(told, line)) {
		refuse(r, "the names are too long");
		return;
	}
	if (children->changes.n >= CHANGES_MAX &&
	    server_changes_find(&children->changes, told->upstream, told->server) ==
		    NULL) {
		refuse(r, "%d servers have been changed already", CHANGES_MAX);
		return;
	}
	log_info("%s; asked for by user %ju, process %d", text,
		 (uintmax_t)r->client->who.uid, (int)r->client->who.pid);
	children_change(children, line);
	server_changes_put(&children->changes, kept);
	wait_for_workers(r, text);
}

static void change_mode(const struct request *r, const struct server_view *view,
			enum server_mode mode)
{
	struct server_change c = current(r, view->text);
	char what[64];

	snprintf(what, sizeof(what), "%s (was %s)", server_mode_name(mode),
		 server_mode_name(c.mode));
	c.mode = mode;
	change(r, &c, &c, what);
}

static void change_weight(const struct request *r, const struct server_view *view,
			  struct str text)
{
	struct server_change c = current(r, view->text);
	char what[64];
	uint32_t weight;

	if (!parse_weight(r, text, &weight))
		return;
	snprintf(what, sizeof(what), "weight %u (was %ju)", weight,
		 (uintmax_t)view->weight);
	c.weight = weight == view->configured_weight ? 0 : weight;
	change(r, &c, &c, what);
}

/* Whether it is one now; else *is_removed_out says that it was removed. */
static bool has_server(const struct request *r, const char *address,
		       bool *is_removed_out)
{
	struct server_views views;
	bool found = false;

	*is_removed_out = false;
	server_views_make(r->m, r->upstream, &views);
	for (size_t i = 0; i < views.n; i++) {
		if (strcmp(views.items[i].text, address) != 0)
			continue;
		*is_removed_out = views.items[i].is_removed;
		found = !views.items[i].is_removed;
	}
	server_views_fini(&views);
	return found;
}

static size_t count_servers(const struct request *r)
{
	struct server_views views;
	size_t n = 0;

	server_views_make(r->m, r->upstream, &views);
	for (size_t i = 0; i < views.n; i++)
		n += !views.items[i].is_removed;
	server_views_fini(&views);
	return n;
}

static void add_server(const struct request *r)
{
	char address[ADDR_TEXT];
	const char *why = parse_address(r->words[2], address);
	struct server_change c;
	uint32_t weight = 0;
	bool is_removed;
	char what[64];

	if (why != NULL) {
		refuse(r, "\"%" STR_FMT "\" is no address of a server: %s",
		       STR_ARG(r->words[2]), why);
		return;
	}
	if (r->n == 5 && !parse_weight(r, r->words[4], &weight))
		return;
	if (has_server(r, address, &is_removed)) {
		refuse(r, "%s is a server of upstream \"%s\" already", address,
		       r->upstream->name);
		return;
	}
	c = (struct server_change){.upstream = str_of(r->upstream->name),
				   .server = str_of(address),
				   .weight = weight,
				   .is_added = !is_removed};
	snprintf(what, sizeof(what), "added");
	if (weight > 0)
		snprintf(what, sizeof(what), "added, weight %u", weight);
	change(r, &c, &c, what);
}

static void remove_server(const struct request *r, const struct server_view *view)
{
	struct server_change told = {.upstream = str_of(r->upstream->name),
				     .server = str_of(view->text),
				     .is_removed = true};
	struct server_change kept = told;

	if (view->origin == SERVER_OF_SRV) {
		refuse(r,
		       "%s comes from an SRV record, and cannot be removed; it can "
		       "be disabled",
		       view->text);
		return;
	}
	if (view->is_removed) {
		refuse(r, "%s was removed already", view->text);
		return;
	}
	if (count_servers(r) < 2) {
		refuse(r, "%s is the last server of upstream \"%s\"", view->text,
		       r->upstream->name);
		return;
	}
	kept.is_removed = view->origin == SERVER_OF_FILE;
	change(r, &told, &kept, "removed");
}

/* NAME SERVER enable|drain|disable|weight N */
static void change_server(const struct request *r)
{
	static const struct {
		const char *word;
		enum server_mode mode;
	} modes[] = {{"enable", SERVER_ENABLED},
		     {"drain", SERVER_DRAINED},
		     {"disable", SERVER_DISABLED}};
	struct server_view view;

	if (!find_server(r, r->words[1], &view))
		return;
	if (view.is_removed) {
		refuse(r, "%s was removed; add brings it back", view.text);
		return;
	}
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++)
		if (r->n == 3 && is_word(r, 2, modes[i].word)) {
			change_mode(r, &view, modes[i].mode);
			return;
		}
	if (r->n == 4 && is_word(r, 2, "weight"))
		change_weight(r, &view, r->words[3]);
	else
		refuse(r, "a server takes enable, drain, disable or weight N");
}

static void change_upstream(struct request *r)
{
	struct server_view view;

	if (!find_upstream(r, r->words[0]))
		return;
	if (is_word(r, 1, "add") &&
	    (r->n == 3 || (r->n == 5 && is_word(r, 3, "weight"))))
		add_server(r);
	else if (is_word(r, 1, "add"))
		refuse(r, "add takes ADDRESS [weight N]");
	else if (!is_word(r, 1, "remove"))
		change_server(r);
	else if (r->n != 3)
		refuse(r, "remove takes SERVER");
	else if (find_server(r, r->words[2], &view))
		remove_server(r, &view);
}

void servers_change(struct master *m, struct control_client *client,
		    const char *words)
{
	struct request r = {.m = m, .client = client};

	if (!life_takes_changes(m->state))
		refuse(&r, "refused: %s", life_refusal(m->state));
	else if (!split(&r, words) || r.n < 2)
		refuse(&r,
		       "upstream takes NAME SERVER enable|drain|disable|weight N, "
		       "NAME add ADDRESS [weight N] or NAME remove SERVER");
	else
		change_upstream(&r);
}

void servers_show(struct master *m, struct control_client *client,
		  const char *words)
{
	struct request r = {.m = m, .client = client};
	struct buf text = {0};
	bool json;

	if (m->serving == NULL) {
		refuse(&r, "refused: %s", life_refusal(m->state));
		return;
	}
	(void)split(&r, words);
	json = is_word(&r, 0, "--json");
	if (r.n > json && !find_upstream(&r, r.words[json]))
		return;
	if (json) {
		buf_put(&text, STR("{"));
		upstream_status_json(m, r.upstream, &text);
		buf_put(&text, STR("}\n"));
	} else {
		upstream_status_text(m, r.upstream, &text);
	}
	control_answer(client, true, buf_str(&text));
	buf_release(&text);
}

/* After a reload. */

static const struct conf_upstream *find_conf(const struct conf *conf,
					     struct str name)
{
	for (size_t i = 0; i < conf->n_upstreams; i++)
		if (str_equal(str_of(conf->upstreams[i].name), name))
			return &conf->upstreams[i];
	return NULL;
}

static bool names_server(const struct conf_upstream *u, struct str server)
{
	for (size_t i = 0; i < u->n_servers; i++)
		if (u->servers[i].text != NULL &&
		    str_equal(str_of(u->servers[i].text), server))
			return true;
	return false;
}

/* Those of a record come and go without a reload. */
static bool may_have_by_srv(const struct conf_upstream *u)
{
	for (size_t i = 0; i < u->n_servers; i++)
		if (u->servers[i].text == NULL)
			return true;
	return false;
}

/* What is left of a change. A server that was added, and that the configuration
 * has now, is the configuration's. */
static struct server_change left_of(const struct conf *conf,
				    const struct server_change *c)
{
	const struct conf_upstream *u = find_conf(conf, c->upstream);
	struct server_change left = *c,
			     none = {.upstream = c->upstream, .server = c->server};
	bool is_named = u != NULL && names_server(u, c->server);

	if (u == NULL || (!is_named && !c->is_added && !may_have_by_srv(u)))
		return none;
	if (is_named && c->is_added) {
		left.is_added = false;
		left.weight = 0;
	}
	return left;
}

void servers_prune(struct master *m)
{
	struct server_changes *changes = &m->children.changes;

	for (size_t i = changes->n; i-- > 0;) {
		struct server_change left =
			left_of(m->serving->conf, &changes->items[i]);

		if (server_change_is_void(&left))
			log_info("upstream %" STR_FMT ": server %" STR_FMT
				 ": what was changed at run time is forgotten: the "
				 "configuration %s",
				 STR_ARG(left.upstream), STR_ARG(left.server),
				 changes->items[i].is_added
					 ? "has changed"
					 : "does not have it any more");
		server_changes_put(changes, &left);
	}
	known_servers_prune(&m->children, m->serving);
	servers_check(m);
}

static void on_changed(struct children *children, struct child *child)
{
	(void)child;
	servers_check(CONTAINER_OF(children, struct master, children));
}

void servers_init(struct master *m)
{
	list_init(&m->servers.waiting);
	m->children.on_changed = on_changed;
}

void servers_fini(struct master *m)
{
	LIST_EACH_SAFE (link, &m->servers.waiting) {
		struct change_wait *wait =
			CONTAINER_OF(link, struct change_wait, link);

		list_remove(&wait->clients);
		timer_detach(&m->loop.timers, &wait->timer);
		list_remove(&wait->link);
		free(wait);
	}
}
