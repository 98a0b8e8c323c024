/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/load/check_common.h"

#include <string.h>

#include "conf/load/errors.h"
#include "conf/passwords.h"

/* A network that is both allowed and denied is a mistake. */
static void check_access(struct check *c, const struct conf_common *common,
			 const char *where)
{
	char text[ADDR_TEXT];
	const void *last =
		conf_gives(common, &common->deny) ? &common->deny : &common->allow;
	struct location at = check_location(c, last, where);

	for (size_t i = 0; i < common->allow.n; i++)
		for (size_t k = 0; k < common->deny.n; k++)
			if (network_equal(&common->allow.items[i],
					  &common->deny.items[k]))
				check_complain(
					c, &at, "\"%s\" is both allowed and denied",
					network_format(&common->allow.items[i],
						       text));
}

/* Errors of a file that several routes name are reported once. */
static bool is_reported(const struct check *c, const char *file, int line)
{
	for (size_t i = 0; i < c->errors->n; i++)
		if (c->errors->items[i].line == line &&
		    strcmp(c->errors->items[i].file, file) == 0)
			return true;
	return false;
}

static void check_auth_file(struct check *c, const struct conf_common *common,
			    const char *where)
{
	struct location at = check_location(c, &common->auth_file, where);
	struct arena scratch = {0};
	const char *why;
	int line;

	if (common->auth_file[0] == '\0' || check_is_bad(c, &common->auth_file))
		return;
	if (passwords_load(&scratch, common->auth_file, &why, &line) == NULL) {
		if (line == 0)
			check_complain(c, &at, "%s: %s", common->auth_file, why);
		else if (!is_reported(c, common->auth_file, line))
			conf_errors_add(c->errors, common->auth_file, line, "%s",
					why);
	}
	arena_fini(&scratch);
}

static bool uses(const struct template *t, enum template_variable variable)
{
	for (size_t i = 0; i < t->n_pieces; i++)
		if (t->pieces[i].variable == variable)
			return true;
	return false;
}

void check_early(struct check *c, const struct template *t,
		 const struct location *at)
{
	if (t->uses_form)
		check_complain(
			c, at,
			"\"${form.NAME}\" cannot be used here: the body is not "
			"read yet");
	if (uses(t, TEMPLATE_AUTHORIZE_STATUS) || uses(t, TEMPLATE_AUTHORIZE_FIELD))
		check_complain(
			c, at,
			"\"${authorize...}\" cannot be used here: the request is "
			"not authorized yet");
	if (uses(t, TEMPLATE_USER))
		check_complain(
			c, at,
			"\"${user}\" cannot be used here: the password is not "
			"checked yet");
}

static void check_key(struct check *c, const struct conf_common *common,
		      const struct template *key, const char *where)
{
	struct location at = check_location(c, key, where);

	if (conf_gives(common, key))
		check_early(c, key, &at);
}

static void check_compress(struct check *c, const struct conf_common *common,
			   const char *where)
{
	struct location at = check_location(c, &common->compress, where);

	for (size_t i = 0; i < common->compress.n; i++)
		if (!conf_coding_is_built(common->compress.items[i]))
			check_complain(
				c, &at, "this holdfast was built without %s",
				conf_coding_names[common->compress.items[i]].p);
}

void check_common(struct check *c, const struct conf_common *common,
		  const char *where)
{
	if (conf_gives(common, &common->auth_file))
		check_auth_file(c, common, where);
	check_key(c, common, &common->rate_key, where);
	check_key(c, common, &common->concurrent_key, where);

	if (conf_gives(common, &common->allow) || conf_gives(common, &common->deny))
		check_access(c, common, where);
	if (conf_gives(common, &common->compress))
		check_compress(c, common, where);
}
