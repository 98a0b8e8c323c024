/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/load/logs.h"

/* The number of the target; a new one where no other log goes there. */
static size_t target_of(struct conf *conf, const char *to, size_t *room)
{
	struct conf_strings *targets = &conf->log_targets;
	struct str text = str_of(to);

	for (size_t i = 0; i < targets->n; i++)
		if (str_equal(targets->items[i], text))
			return i;
	if (targets->n == *room) {
		struct str *more;

		*room = *room == 0 ? 4 : 2 * *room;
		more = arena_zalloc(&conf->arena, *room, sizeof(*more));
		if (targets->n > 0)
			memcpy(more, targets->items, targets->n * sizeof(*more));
		targets->items = more;
	}
	targets->items[targets->n] = text;
	return targets->n++;
}

static void settle(struct conf *conf, struct conf_access_logs *logs, size_t *room)
{
	for (size_t i = 0; i < logs->n; i++) {
		struct conf_access_log *log = &logs->items[i];

		if (log->format == CONF_LOG_INHERITED) {
			log->format = conf->log.format;
			log->line = conf->log.line;
		}
		log->is_off = log->to == NULL || strcmp(log->to, "off") == 0;
		if (!log->is_off)
			log->target = target_of(conf, log->to, room);
	}
}

static void each(struct conf *conf, void *context,
		 void (*what)(struct conf_access_logs *logs, void *context))
{
	what(&conf->log.access, context);
	for (size_t i = 0; i < conf->n_sites; i++) {
		struct conf_site *site = &conf->sites[i];

		if (conf_gives(&site->common, &site->common.log))
			what(&site->common.log->access, context);
		for (size_t k = 0; k < site->n_routes; k++) {
			struct conf_common *common = &site->routes[k].common;

			if (conf_gives(common, &common->log))
				what(&common->log->access, context);
		}
	}
}

struct settling {
	struct conf *conf;
	size_t room; /* for targets */
};

static void settle_one(struct conf_access_logs *logs, void *context)
{
	struct settling *s = context;

	settle(s->conf, logs, &s->room);
}

void logs_settle(struct conf *conf)
{
	struct settling s = {.conf = conf};

	each(conf, &s, settle_one);
}

static void check_one(struct conf_access_logs *logs, void *context)
{
	struct check *c = context;

	for (size_t i = 0; i < logs->n; i++)
		if (logs->items[i].to != NULL)
			check_directory(c, &logs->items[i].to, "log.access",
					logs->items[i].to);
}

void check_logs(struct check *c)
{
	struct conf *conf = c->conf;
	struct location at = check_location(c, &conf->log.access, "log.access");

	each(conf, c, check_one);
	if (conf->log_targets.n > CONF_LOG_TARGETS_MAX)
		check_complain(
			c, &at,
			"access logs go to %zu files and sockets; the maximum "
			"is %d",
			conf->log_targets.n, CONF_LOG_TARGETS_MAX);
}
