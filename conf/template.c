/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/template.h"

#include <stdarg.h>

#include "base/buf.h"
#include "conf/suggest.h"

static const struct {
	struct str name; /* one that ends in "." wants the name of a field */
	enum template_variable variable;
} variables[] = {
	{STR_INIT("path"), TEMPLATE_PATH},
	{STR_INIT("rest"), TEMPLATE_REST},
	{STR_INIT("query"), TEMPLATE_QUERY},
	{STR_INIT("method"), TEMPLATE_METHOD},
	{STR_INIT("host"), TEMPLATE_HOST},
	{STR_INIT("scheme"), TEMPLATE_SCHEME},
	{STR_INIT("remote_addr"), TEMPLATE_REMOTE_ADDR},
	{STR_INIT("remote_port"), TEMPLATE_REMOTE_PORT},
	{STR_INIT("connection_addr"), TEMPLATE_CONNECTION_ADDR},
	{STR_INIT("query."), TEMPLATE_QUERY_FIELD},
	{STR_INIT("form."), TEMPLATE_FORM_FIELD},
	{STR_INIT("form_filename."), TEMPLATE_FORM_FILENAME},
	{STR_INIT("form_type."), TEMPLATE_FORM_TYPE},
	{STR_INIT("form_size."), TEMPLATE_FORM_SIZE},
	{STR_INIT("header."), TEMPLATE_HEADER_FIELD},
	{STR_INIT("match."), TEMPLATE_MATCH},
};
enum { N_VARIABLES = sizeof(variables) / sizeof(variables[0]) };

/* While a template is taken apart. */
struct compiler {
	struct arena *arena;
	struct template *template;
	struct buf literal; /* what of the literal text is not a piece yet */
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

static bool unknown(struct compiler *c, struct str name)
{
	const char *dot = name.n > 0 ? memchr(name.p, '.', name.n) : NULL;
	size_t stem = dot != NULL ? (size_t)(dot - name.p) + 1 : name.n;
	struct suggest guess = {.wrong = {name.p, stem}};

	for (size_t i = 0; i < N_VARIABLES; i++)
		suggest_offer(&guess, variables[i].name);
	if (guess.best.n == 0)
		return fail(c, "unknown variable \"${%" STR_FMT "}\"",
			    STR_ARG(name));
	struct str field = str_tail(name, stem);

	/* "${path.x}" is nearest to a variable that has no field. */
	if (guess.best.p[guess.best.n - 1] != '.')
		field.n = 0;
	return fail(c,
		    "unknown variable \"${%" STR_FMT
		    "}\"; did you mean \"${%" STR_FMT "%" STR_FMT "}\"?",
		    STR_ARG(name), STR_ARG(guess.best), STR_ARG(field));
}

static bool is_field_name_char(char c)
{
	c = ascii_lower(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* A header field name is compared in lower case (RFC 9110 section 5.1). */
static bool lower_field_name(struct compiler *c, struct str *name)
{
	*name = arena_copy(c->arena, *name);
	for (size_t i = 0; i < name->n; i++) {
		char *p = (char *)name->p + i;

		if (!is_field_name_char(*p))
			return fail(c,
				    "\"${header.%" STR_FMT
				    "}\" does not name a header field",
				    STR_ARG(*name));
		*p = ascii_lower(*p);
	}
	return true;
}

static bool find_variable(struct compiler *c, struct str name,
			  struct template_piece *piece)
{
	for (size_t i = 0; i < N_VARIABLES; i++) {
		struct str known = variables[i].name;

		piece->variable = variables[i].variable;
		if (str_equal(name, known) && known.p[known.n - 1] != '.')
			return true;
		if (known.p[known.n - 1] != '.' || !str_starts_with(name, known))
			continue;
		piece->name = str_tail(name, known.n);
		if (piece->name.n > 0)
			return true;
		return fail(c, "a name is missing in \"${%" STR_FMT "}\"",
			    STR_ARG(name));
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
	if (piece.variable == TEMPLATE_HEADER_FIELD &&
	    !lower_field_name(c, &piece.name))
		return false;
	piece.name = arena_copy(c->arena, piece.name);
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

bool template_compile(struct arena *arena, struct str source,
		      struct template *template_out, const char **why_out)
{
	struct compiler c = {.arena = arena, .template = template_out};
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
