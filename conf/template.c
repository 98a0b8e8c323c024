/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First the table of variables, then the compiler, from the bottom up: pieces,
 * errors with suggestions, checks of a variable, one "${...}", and the whole
 * text. Master and workers; only the master compiles.
 */
#include "conf/template.h"

#include <stdarg.h>

#include "base/buf.h"
#include "base/codec/octet.h"
#include "conf/suggest.h"

#define ALWAYS   TEMPLATE_AT_REQUEST, TEMPLATE_AT_END
#define UNSENT   TEMPLATE_AT_REQUEST, TEMPLATE_AT_RESPONSE
#define ANSWERED TEMPLATE_AT_RESPONSE, TEMPLATE_AT_END
#define SENT     TEMPLATE_AT_END, TEMPLATE_AT_END

/* A table, laid out by hand. */
/* clang-format off */
static const struct {
	struct str name; /* a name that ends in "." is followed by that of a
			  * field */
	enum template_variable variable;
	enum template_moment first, last; /* at which it is known */
} variables[] = {
	{STR_INIT("path"), TEMPLATE_PATH, ALWAYS},
	{STR_INIT("rest"), TEMPLATE_REST, ALWAYS},
	{STR_INIT("query"), TEMPLATE_QUERY, ALWAYS},
	{STR_INIT("?query"), TEMPLATE_QUERY_PART, ALWAYS},
	{STR_INIT("method"), TEMPLATE_METHOD, ALWAYS},
	{STR_INIT("host"), TEMPLATE_HOST, ALWAYS},
	{STR_INIT("scheme"), TEMPLATE_SCHEME, ALWAYS},
	{STR_INIT("remote_addr"), TEMPLATE_REMOTE_ADDR, ALWAYS},
	{STR_INIT("remote_port"), TEMPLATE_REMOTE_PORT, ALWAYS},
	{STR_INIT("connection_addr"), TEMPLATE_CONNECTION_ADDR, ALWAYS},
	{STR_INIT("proxy_addr"), TEMPLATE_PROXY_ADDR, ALWAYS},
	{STR_INIT("user"), TEMPLATE_USER, ALWAYS},
	{STR_INIT("query."), TEMPLATE_QUERY_FIELD, ALWAYS},
	{STR_INIT("form."), TEMPLATE_FORM_FIELD, UNSENT},
	{STR_INIT("form_filename."), TEMPLATE_FORM_FILENAME, UNSENT},
	{STR_INIT("form_type."), TEMPLATE_FORM_TYPE, UNSENT},
	{STR_INIT("form_size."), TEMPLATE_FORM_SIZE, UNSENT},
	{STR_INIT("header."), TEMPLATE_HEADER_FIELD, ALWAYS},
	{STR_INIT("match."), TEMPLATE_MATCH, UNSENT},
	{STR_INIT("cookie."), TEMPLATE_COOKIE, ALWAYS},
	{STR_INIT("target"), TEMPLATE_TARGET, ALWAYS},
	{STR_INIT("protocol"), TEMPLATE_PROTOCOL, ALWAYS},
	{STR_INIT("route"), TEMPLATE_ROUTE, ALWAYS},
	{STR_INIT("request_id"), TEMPLATE_REQUEST_ID, ALWAYS},
	{STR_INIT("connection"), TEMPLATE_CONNECTION, ALWAYS},
	{STR_INIT("connection_requests"), TEMPLATE_CONNECTION_REQUESTS, ALWAYS},
	{STR_INIT("server_addr"), TEMPLATE_SERVER_ADDR, ALWAYS},
	{STR_INIT("server_port"), TEMPLATE_SERVER_PORT, ALWAYS},
	{STR_INIT("authorize.status"), TEMPLATE_AUTHORIZE_STATUS, ALWAYS},
	{STR_INIT("authorize.header."), TEMPLATE_AUTHORIZE_FIELD, ALWAYS},
	{STR_INIT("tls.version"), TEMPLATE_TLS_VERSION, ALWAYS},
	{STR_INIT("tls.cipher"), TEMPLATE_TLS_CIPHER, ALWAYS},
	{STR_INIT("tls.sni"), TEMPLATE_TLS_SNI, ALWAYS},
	{STR_INIT("tls.resumed"), TEMPLATE_TLS_RESUMED, ALWAYS},
	{STR_INIT("tls.client.subject"), TEMPLATE_TLS_CLIENT_SUBJECT, ALWAYS},
	{STR_INIT("tls.client.issuer"), TEMPLATE_TLS_CLIENT_ISSUER, ALWAYS},
	{STR_INIT("tls.client.serial"), TEMPLATE_TLS_CLIENT_SERIAL, ALWAYS},
	{STR_INIT("tls.client.fingerprint"), TEMPLATE_TLS_CLIENT_FINGERPRINT,
	 ALWAYS},
	{STR_INIT("time"), TEMPLATE_TIME, ALWAYS},
	{STR_INIT("time.local"), TEMPLATE_TIME_LOCAL, ALWAYS},
	{STR_INIT("time.epoch"), TEMPLATE_TIME_EPOCH, ALWAYS},
	{STR_INIT("time.head"), TEMPLATE_TIME_HEAD, ALWAYS},
	{STR_INIT("time.answer"), TEMPLATE_TIME_ANSWER, ANSWERED},
	{STR_INIT("time.send"), TEMPLATE_TIME_SEND, SENT},
	{STR_INIT("time.total"), TEMPLATE_TIME_TOTAL, SENT},
	{STR_INIT("status"), TEMPLATE_STATUS, ANSWERED},
	{STR_INIT("bytes"), TEMPLATE_BYTES, SENT},
	{STR_INIT("bytes_sent"), TEMPLATE_BYTES_SENT, SENT},
	{STR_INIT("complete"), TEMPLATE_COMPLETE, SENT},
	{STR_INIT("sent."), TEMPLATE_SENT_FIELD, ANSWERED},
	{STR_INIT("upstream"), TEMPLATE_UPSTREAM, ANSWERED},
	{STR_INIT("upstream.server"), TEMPLATE_UPSTREAM_SERVER, ANSWERED},
	{STR_INIT("upstream.tries"), TEMPLATE_UPSTREAM_TRIES, ANSWERED},
	{STR_INIT("upstream.status"), TEMPLATE_UPSTREAM_STATUS, ANSWERED},
	{STR_INIT("upstream.time.queue"), TEMPLATE_UPSTREAM_TIME_QUEUE, ANSWERED},
	{STR_INIT("upstream.time.connect"), TEMPLATE_UPSTREAM_TIME_CONNECT,
	 ANSWERED},
	{STR_INIT("upstream.time.first_byte"), TEMPLATE_UPSTREAM_TIME_FIRST_BYTE,
	 ANSWERED},
	{STR_INIT("stream.bytes_in"), TEMPLATE_STREAM_BYTES_IN, SENT},
	{STR_INIT("stream.end"), TEMPLATE_STREAM_END, SENT},
	{STR_INIT("upstream.time.total"), TEMPLATE_UPSTREAM_TIME_TOTAL, SENT},
};
/* clang-format on */
enum { N_VARIABLES = sizeof(variables) / sizeof(variables[0]) };

/* The state of compiling a template. */
struct compiler {
	struct arena *arena;
	enum template_moment moment;
	struct template *template;
	struct buf literal; /* literal text that is not a piece yet */
	size_t room;        /* for pieces */
	const char *why;
};

static bool fail(struct compiler *c, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static bool fail(struct compiler *c, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	c->why = arena_vprintf(c->arena, format, args).p;
	va_end(args);
	return false;
}

static void add_piece(struct compiler *c, struct template_piece piece)
{
	struct template *t = c->template;

	if (t->n_pieces == c->room) {
		size_t room = c->room ? 2 * c->room : 4;
		struct template_piece *more =
			arena_zalloc(c->arena, room, sizeof(*more));

		if (t->n_pieces > 0)
			memcpy(more, t->pieces, t->n_pieces * sizeof(*more));
		t->pieces = more;
		c->room = room;
	}
	t->pieces[t->n_pieces++] = piece;
}

static void end_literal(struct compiler *c)
{
	if (buf_length(&c->literal) == 0)
		return;
	add_piece(c, (struct template_piece){
			     .variable = TEMPLATE_LITERAL,
			     .name = STR(""),
			     .text = arena_copy(c->arena, buf_str(&c->literal)),
		     });
	buf_consume(&c->literal, buf_length(&c->literal));
}

static bool is_known_at(size_t variable, enum template_moment moment)
{
	return variables[variable].first <= moment &&
	       moment <= variables[variable].last;
}

static bool wants_field(size_t variable)
{
	struct str name = variables[variable].name;

	return name.p[name.n - 1] == '.';
}

static bool unknown(struct compiler *c, struct str name)
{
	const char *dot = name.n > 0 ? memchr(name.p, '.', name.n) : NULL;
	size_t stem = dot != NULL ? (size_t)(dot - name.p) + 1 : name.n;
	struct suggest whole = {.wrong = name}, part = {.wrong = {name.p, stem}};

	/* Compare with and without the part after the dot: "${path.x}" is
	 * nearest to a variable that has no field, "${time.hed}" to one that
	 * has a dot of its own. */
	for (size_t i = 0; i < N_VARIABLES; i++) {
		if (!is_known_at(i, c->moment))
			continue;
		suggest_offer(&part, variables[i].name);
		if (!wants_field(i))
			suggest_offer(&whole, variables[i].name);
	}
	bool is_whole = whole.best.n > 0 &&
			(part.best.n == 0 || whole.distance <= part.distance);
	struct str best = is_whole ? whole.best : part.best;
	struct str field = str_tail(name, stem);

	if (best.n == 0)
		return fail(c, "unknown variable \"${%" STR_FMT "}\"",
			    STR_ARG(name));
	if (best.p[best.n - 1] != '.')
		field.n = 0;
	return fail(c,
		    "unknown variable \"${%" STR_FMT
		    "}\"; did you mean \"${%" STR_FMT "%" STR_FMT "}\"?",
		    STR_ARG(name), STR_ARG(best), STR_ARG(field));
}

/* The name of a field (RFC 9110 section 5.1), which is compared in lower case,
 * or of a cookie (RFC 6265 section 4.1.1), which is not. */
static bool check_name(struct compiler *c, struct str variable,
		       struct template_piece *piece)
{
	bool is_cookie = piece->variable == TEMPLATE_COOKIE;

	if (!is_cookie && piece->variable != TEMPLATE_HEADER_FIELD &&
	    piece->variable != TEMPLATE_SENT_FIELD &&
	    piece->variable != TEMPLATE_AUTHORIZE_FIELD)
		return true;
	for (size_t i = 0; i < piece->name.n; i++) {
		char *p = (char *)piece->name.p + i;

		if (!octet_is(*p, OCTET_TOKEN))
			return fail(c, "\"${%" STR_FMT "}\" does not name a %s",
				    STR_ARG(variable),
				    is_cookie ? "cookie" : "header field");
		if (!is_cookie)
			*p = ascii_lower(*p);
	}
	return true;
}

static bool check_moment(struct compiler *c, size_t variable, struct str name)
{
	if (is_known_at(variable, c->moment))
		return true;
	return fail(c, "\"${%" STR_FMT "}\" is not known %s", STR_ARG(name),
		    c->moment > variables[variable].last
			    ? "any more when the response has been sent"
		    : variables[variable].first == TEMPLATE_AT_END
			    ? "before the response has been sent"
			    : "before there is a response");
}

static bool find_variable(struct compiler *c, struct str name,
			  struct template_piece *piece)
{
	for (size_t i = 0; i < N_VARIABLES; i++) {
		struct str known = variables[i].name;

		piece->variable = variables[i].variable;
		if (str_equal(name, known) && !wants_field(i))
			return check_moment(c, i, name);
		if (!wants_field(i) || !str_starts_with(name, known))
			continue;
		if (name.n == known.n)
			return fail(c, "a name is missing in \"${%" STR_FMT "}\"",
				    STR_ARG(name));
		piece->name = arena_copy(c->arena, str_tail(name, known.n));
		return check_moment(c, i, name) && check_name(c, name, piece);
	}
	return unknown(c, name);
}

static bool is_of_form(enum template_variable variable)
{
	return variable == TEMPLATE_FORM_FIELD ||
	       variable == TEMPLATE_FORM_FILENAME ||
	       variable == TEMPLATE_FORM_TYPE || variable == TEMPLATE_FORM_SIZE;
}

/* `inside` is what stands between "${" and "}". */
static bool add_variable(struct compiler *c, struct str inside)
{
	struct template_piece piece = {.name = STR(""), .text = STR("")};
	struct str name = inside;

	if (c->moment == TEMPLATE_AT_END)
		piece.text = STR("-");

	for (size_t i = 0; i + 1 < inside.n; i++) {
		if (inside.p[i] == ':' && inside.p[i + 1] == '-') {
			name.n = i;
			piece.text = arena_copy(c->arena, str_tail(inside, i + 2));
			break;
		}
	}
	if (name.n == 0)
		return fail(c, "a variable is missing in \"${}\"");
	if (!find_variable(c, name, &piece))
		return false;
	end_literal(c);
	add_piece(c, piece);
	c->template->is_literal = false;
	c->template->uses_form |= is_of_form(piece.variable);
	return true;
}

/* Takes what begins at a "$" off the front of *rest. */
static bool take_dollar(struct compiler *c, struct str *rest)
{
	if (str_starts_with(*rest, STR("${"))) {
		struct str after = str_tail(*rest, 2);
		struct str inside = str_cut(&after, '}');

		if (after.p == NULL) {
			struct str begin = *rest;

			if (begin.n > 20)
				begin.n = 20;
			return fail(c, "a \"}\" is missing after \"%" STR_FMT "\"",
				    STR_ARG(begin));
		}
		*rest = after;
		return add_variable(c, inside);
	}
	buf_put_cstr(&c->literal, "$");
	*rest = str_tail(*rest, str_starts_with(*rest, STR("$$")) ? 2 : 1);
	return true;
}

bool template_compile_at(enum template_moment moment, struct arena *arena,
			 struct str source, struct template *template_out,
			 const char **why_out)
{
	struct compiler c = {
		.arena = arena, .moment = moment, .template = template_out};
	struct str rest = arena_copy(arena, source);
	bool ok = true;

	*template_out = (struct template){.source = rest, .is_literal = true};
	while (rest.n > 0 && ok) {
		const char *dollar = memchr(rest.p, '$', rest.n);
		size_t n = dollar != NULL ? (size_t)(dollar - rest.p) : rest.n;

		buf_put(&c.literal, (struct str){rest.p, n});
		rest = str_tail(rest, n);
		if (rest.n > 0)
			ok = take_dollar(&c, &rest);
	}
	if (ok)
		end_literal(&c);
	else
		*why_out = c.why;
	buf_release(&c.literal);
	return ok;
}
