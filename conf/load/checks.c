/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/load/checks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "conf/load/check_context.h"
#include "conf/load/check_listeners.h"
#include "conf/load/check_sites.h"
#include "conf/load/check_tls.h"
#include "conf/load/check_upstreams.h"
#include "conf/load/errors.h"
#include "conf/load/logs.h"
#include "conf/mime.h"

/* Whether there is such a user is for the master to find out: a name service may
 * hang. */
static void note_user(struct check *c)
{
	struct location at = check_location(c, &c->conf->user, "user");

	c->conf->user_origin = (struct conf_origin){at.where, at.file, at.line};
}

const char *conf_default_control(struct arena *arena)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");

	if (geteuid() == 0)
		return "/run/holdfast/control.sock";
	if (runtime != NULL && runtime[0] == '/')
		return arena_printf(arena, "%s/holdfast.sock", runtime).p;
	return arena_printf(arena, "/tmp/holdfast-%u/control.sock",
			    (unsigned)geteuid())
		.p;
}

static void check_control(struct check *c)
{
	struct conf *conf = c->conf;
	struct location at = check_location(c, &conf->control.path, "control");
	struct addr addr;

	if (check_is_bad(c, &conf->control.path))
		return;
	if (conf->control.path == NULL)
		conf->control.path = conf_default_control(&conf->arena);
	if (strcmp(conf->control.path, "off") == 0)
		return;
	const char *why = addr_parse(
		arena_printf(&conf->arena, "unix:%s", conf->control.path), &addr);

	if (why != NULL)
		check_complain(c, &at, "%s", why);
}

static void check_real_ip(struct check *c)
{
	const struct conf_real_ip *real_ip = &c->conf->real_ip;
	struct location at = check_location(c, &real_ip->field, "real_ip.field");

	if (strcasecmp(real_ip->field, "Forwarded") == 0)
		check_complain(
			c, &at,
			"Forwarded is not a list of addresses; only fields like "
			"X-Forwarded-For are");
}

static void check_files(struct check *c)
{
	struct conf *conf = c->conf;
	struct arena scratch = {0};
	const char *why;
	int line;

	check_directory(c, &conf->log.error, "log.error", conf->log.error);
	check_logs(c);
	if (mime_types_load(&scratch, conf->mime_types, &why, &line) == NULL) {
		struct location at =
			check_location(c, &conf->mime_types, "mime_types");

		if (line == 0)
			check_complain(c, &at, "%s: %s", conf->mime_types, why);
		else
			conf_errors_add(c->errors, conf->mime_types, line, "%s",
					why);
	}
	arena_fini(&scratch);
}

void conf_check(struct conf *conf, const char *main_file,
		struct locations *locations, struct conf_errors *errors)
{
	struct check c = {conf, locations, errors, main_file};

	note_user(&c);
	check_control(&c);
	check_files(&c);
	check_real_ip(&c);
	check_listeners(&c);
	check_tls(&c);
	check_sites(&c);
	check_upstreams(&c);
}
