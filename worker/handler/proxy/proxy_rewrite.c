/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rules are bytes, one after the other: a letter for the kind, what is
 * replaced, NUL, what it is replaced by, NUL. The first that fits is applied.
 * Worker.
 */
#include "worker/handler/proxy/proxy_rewrite.h"

#include "base/buf.h"
#include "worker/handler/proxy/proxy.h"
#include "worker/http/exchange.h"
#include "worker/http/router.h"
#include "worker/http/variables.h"

enum {
	RULE_REDIRECT = 'r',
	RULE_DOMAIN = 'd',
	RULE_PATH = 'p',
	RULE_NAME = 'n', /* of a field that the route sets: of trailers */
};

/* Making them. */

static bool put_rules(struct buf *out, struct exchange *x, char kind,
		      const struct conf_replacements *rewrites)
{
	struct str to;

	for (size_t i = 0; i < rewrites->n; i++) {
		const struct conf_replacement *rewrite = &rewrites->items[i];

		if (!template_evaluate(&rewrite->to, x, ESCAPE_URI, &to))
			return false;
		buf_put(out, (struct str){&kind, 1});
		buf_put(out, rewrite->from);
		buf_put(out, (struct str){"", 1});
		buf_put(out, to);
		buf_put(out, (struct str){"", 1});
	}
	return true;
}

static void put_names(struct buf *out, const struct conf_fields *edits)
{
	for (size_t i = 0; i < edits->n; i++) {
		buf_put(out, (struct str){(const char[]){RULE_NAME}, 1});
		buf_put(out, edits->items[i].name);
		buf_put(out, (struct str){"\0", 2}); /* by nothing */
	}
}

bool proxy_rewrite_rules(struct exchange *x, const struct proxy *proxy,
			 bool with_names, struct str *rules_out)
{
	const struct conf_proxy *conf = proxy->conf;
	struct buf out = {0};

	*rules_out = STR("");
	if (!with_names &&
	    conf->redirect.n + conf->cookie_domain.n + conf->cookie_path.n == 0)
		return true;
	bool ok = put_rules(&out, x, RULE_REDIRECT, &conf->redirect) &&
		  put_rules(&out, x, RULE_DOMAIN, &conf->cookie_domain) &&
		  put_rules(&out, x, RULE_PATH, &conf->cookie_path);

	if (with_names)
		put_names(&out, &proxy->route->common.request_fields);
	if (ok)
		*rules_out = arena_copy(&x->arena, buf_str(&out));
	buf_release(&out);
	return ok;
}

/* Applying them. */

struct rule {
	char kind;
	struct str from, to;
};

static bool next_rule(struct str *rest, struct rule *rule)
{
	if (rest->n == 0)
		return false;
	rule->kind = rest->p[0];
	*rest = str_tail(*rest, 1);
	rule->from = str_cut(rest, '\0');
	rule->to = str_cut(rest, '\0');
	return true;
}

bool proxy_rewrite_keeps(struct str rules, struct str name)
{
	struct rule rule;

	while (next_rule(&rules, &rule))
		if (rule.kind == RULE_NAME && str_equal_nocase(rule.from, name))
			return false;
	return true;
}

/* "http://app:9001" is no beginning of "http://app:90011/", nor "/a" of
 * "/ab". */
static bool begins_with(struct str value, struct str from)
{
	return str_starts_with(value, from) &&
	       (value.n == from.n || from.n == 0 || from.p[from.n - 1] == '/' ||
		memchr("/?#", value.p[from.n], 3) != NULL);
}

static struct str replace_beginning(struct exchange *x, struct str rules, char kind,
				    struct str value)
{
	struct rule rule;

	while (next_rule(&rules, &rule)) {
		if (rule.kind != kind || !begins_with(value, rule.from))
			continue;
		struct str tail = str_tail(value, rule.from.n);

		return arena_printf(&x->arena, "%" STR_FMT "%" STR_FMT,
				    STR_ARG(rule.to), STR_ARG(tail));
	}
	return value;
}

/* RFC 6265 section 5.2.3: a dot at the beginning means nothing. */
static struct str replace_domain(struct str rules, struct str value)
{
	struct str domain = str_tail(value, str_starts_with(value, STR(".")));
	struct rule rule;

	while (next_rule(&rules, &rule))
		if (rule.kind == RULE_DOMAIN && str_equal_nocase(rule.from, domain))
			return rule.to;
	return value;
}

/* An attribute without its value is left out: the cookie is of the host, or of
 * the path, that was asked for. */
static void put_attribute(struct buf *out, struct str name, struct str value)
{
	if (value.n > 0)
		buf_printf(out, "; %" STR_FMT "=%" STR_FMT, STR_ARG(name),
			   STR_ARG(value));
}

/* RFC 6265 section 5.2: "name=value; attribute=value; attribute". */
static struct str rewrite_cookie(struct exchange *x, struct str rules,
				 struct str cookie)
{
	struct buf out = {0};
	struct str rest = cookie;

	buf_put(&out, str_cut(&rest, ';'));
	while (rest.p != NULL) {
		struct str attribute = str_trim(str_cut(&rest, ';'));
		struct str value = attribute;
		struct str name = str_trim(str_cut(&value, '='));

		value = str_trim(value);
		if (str_equal_nocase(name, STR("domain")) && value.p != NULL)
			put_attribute(&out, name, replace_domain(rules, value));
		else if (str_equal_nocase(name, STR("path")) && value.p != NULL)
			put_attribute(
				&out, name,
				replace_beginning(x, rules, RULE_PATH, value));
		else
			buf_printf(&out, "; %" STR_FMT, STR_ARG(attribute));
	}
	struct str copy = arena_copy(&x->arena, buf_str(&out));

	buf_release(&out);
	return copy;
}

/* "5; url=/x", which no RFC has, but every browser. */
static struct str rewrite_refresh(struct exchange *x, struct str rules,
				  struct str value)
{
	struct str rest = value;
	struct str seconds = str_cut(&rest, ';');
	struct str url = rest;
	struct str name = str_trim(str_cut(&url, '='));

	if (!str_equal_nocase(name, STR("url")) || url.p == NULL)
		return value;
	url = replace_beginning(x, rules, RULE_REDIRECT, str_trim(url));
	return arena_printf(&x->arena, "%" STR_FMT "; url=%" STR_FMT,
			    STR_ARG(seconds), STR_ARG(url));
}

struct str proxy_rewrite_field(struct exchange *x, struct str rules,
			       const struct field *field, enum response_field kind)
{
	if (rules.n == 0)
		return field->value;
	if (kind == RESPONSE_FIELD_LOCATION ||
	    str_equal_nocase(field->name, STR("content-location")))
		return replace_beginning(x, rules, RULE_REDIRECT, field->value);
	if (kind == RESPONSE_FIELD_SET_COOKIE)
		return rewrite_cookie(x, rules, field->value);
	if (str_equal_nocase(field->name, STR("refresh")))
		return rewrite_refresh(x, rules, field->value);
	return field->value;
}
