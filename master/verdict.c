/* SPDX-License-Identifier: BSD-2-Clause */
#include "master/verdict.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/log.h"

enum { VERDICT_LINE = 1024 };

void verdict_init(struct verdict *v, const char *verb, struct notify *notify)
{
	*v = (struct verdict){.verb = verb, .notify = notify};
	list_init(&v->clients);
}

static void reset(struct verdict *v)
{
	buf_release(&v->text);
	v->state = VERDICT_IDLE;
}

void verdict_fini(struct verdict *v)
{
	list_init(&v->clients);
	reset(v);
}

void verdict_ask(struct verdict *v, struct control_client *client)
{
	if (client != NULL)
		list_append(&v->clients, &client->waiting);
	if (v->state == VERDICT_IDLE)
		v->state = VERDICT_ASKED;
}

bool verdict_is_asked(const struct verdict *v)
{
	return v->state == VERDICT_ASKED;
}

void verdict_move(struct verdict *into, struct verdict *from)
{
	if (from->state == VERDICT_IDLE)
		return;
	list_move_all(&into->clients, &from->clients);
	buf_release(&into->text);
	buf_put(&into->text, buf_str(&from->text));
	into->state = from->state;
	reset(from);
}

void verdict_blame(struct verdict *v, const char *format, ...)
{
	char line[VERDICT_LINE];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	buf_printf(&v->text, "%s\n", line);
}

void verdict_pass(struct verdict *v, const char *format, ...)
{
	char line[VERDICT_LINE];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	log_info("%s", line);
	buf_release(&v->text);
	buf_printf(&v->text, "%s\n", line);
	v->state = VERDICT_PASSED;
}

static void answer(struct verdict *v, bool ok)
{
	LIST_EACH_SAFE (link, &v->clients) {
		struct control_client *client =
			CONTAINER_OF(link, struct control_client, waiting);

		list_remove(link);
		if (v->holds && ok)
			control_hold(client);
		control_answer(client, ok, buf_str(&v->text));
	}
	reset(v);
}

void verdict_answer(struct verdict *v)
{
	if (v->state == VERDICT_PASSED)
		answer(v, true);
}

void verdict_summary(const struct verdict *v, char *text_out, size_t size)
{
	struct str all = buf_str(&v->text), first = str_cut(&all, '\n');
	int room = size > 32 ? (int)size - 32 : 0;
	unsigned more = 0;

	while (all.n > 0) {
		str_cut(&all, '\n');
		more++;
	}
	if (more == 0)
		snprintf(text_out, size, "%" STR_FMT, STR_ARG(first));
	else
		snprintf(text_out, size, "%.*s (and %u more)",
			 room < (int)first.n ? room : (int)first.n, first.p, more);
}

void verdict_fail(struct verdict *v, const char *rest)
{
	char why[WHY_SIZE];

	verdict_summary(v, why, sizeof(why));
	log_error("%s failed: %s%s", v->verb, why, rest);
	notify_failure(v->notify, v->verb, "failed", why);
	answer(v, false);
}

void verdict_refuse(struct verdict *v, const char *why)
{
	buf_release(&v->text);
	verdict_blame(v, "refused: %s", why);
	log_warn("%s refused: %s", v->verb, why);
	notify_failure(v->notify, v->verb, "refused", why);
	answer(v, false);
}
