/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker/http/variables.h"

#include <stdio.h>

#include "base/buf.h"
#include "worker/codec/form.h"
#include "worker/codec/uri.h"
#include "worker/http/exchange.h"
#include "worker/http/router.h"

enum {
	TEMPLATE_MOST = 64 * 1024 * 1024, /* bytes of a text */
	ESCAPE_GROWTH = 6,                /* "\\u0000", "&quot;" */
};

static const char hex[] = "0123456789abcdef";

static struct str decoded_field(struct exchange *x, struct str form,
				struct str name)
{
	struct str value = form_find(form, name);

	if (value.n == 0)
		return value;
	char *text = arena_bytes(&x->arena, value.n);

	return (struct str){text, uri_decode(value, true, text)};
}

static struct str form_field(struct exchange *x, struct str name)
{
	struct str type = exchange_field(x, STR("content-type"));
	struct str media = str_trim(str_cut(&type, ';'));

	if (!str_equal_nocase(media, STR("application/x-www-form-urlencoded")))
		return STR("");
	return decoded_field(x, x->request.body, name);
}

static struct str variable(const struct template_piece *piece, struct exchange *x)
{
	struct request *r = &x->request;
	char *text;

	switch (piece->variable) {
	case TEMPLATE_LITERAL:
		return piece->text;
	case TEMPLATE_PATH:
		return r->path;
	case TEMPLATE_REST:
		return x->route != NULL ? route_rest(x->route, r->path) : STR("");
	case TEMPLATE_QUERY:
		return r->query;
	case TEMPLATE_METHOD:
		return r->method_text;
	case TEMPLATE_HOST:
		return r->host;
	case TEMPLATE_SCHEME:
		return STR("http");
	case TEMPLATE_REMOTE_ADDR:
		text = arena_bytes(&x->arena, ADDR_TEXT);
		return str_of(endpoint_ip(&x->peer, text));
	case TEMPLATE_CONNECTION_ADDR:
		text = arena_bytes(&x->arena, ADDR_TEXT);
		return str_of(endpoint_ip(&x->connection, text));
	case TEMPLATE_REMOTE_PORT:
		return arena_printf(&x->arena, "%u", x->peer.port);
	case TEMPLATE_QUERY_FIELD:
		return decoded_field(x, r->query, piece->name);
	case TEMPLATE_FORM_FIELD:
		return form_field(x, piece->name);
	case TEMPLATE_MATCH:
		return x->captures != NULL ? x->captures[piece->number] : STR("");
	case TEMPLATE_HEADER_FIELD:
		return exchange_field(x, piece->name);
	}
	return STR("");
}

static const char *html_reference(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

/* Puts s[from..to), and says where the next such run begins. */
static size_t put_run(struct buf *out, struct str s, size_t from, size_t to)
{
	buf_put(out, (struct str){s.p + from, to - from});
	return to + 1;
}

static void put_html(struct buf *out, struct str s)
{
	size_t run = 0;

	for (size_t i = 0; i < s.n; i++) {
		const char *reference = html_reference(s.p[i]);

		if (reference == NULL)
			continue;
		run = put_run(out, s, run, i);
		buf_put_cstr(out, reference);
	}
	put_run(out, s, run, s.n);
}

static void put_json(struct buf *out, struct str s)
{
	size_t run = 0;

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		char unicode[] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};

		/* "<" because of "</script>". */
		if (c >= ' ' && c != '"' && c != '\\' && c != '<' && c != 0x7f)
			continue;
		run = put_run(out, s, run, i);
		buf_put(out, (struct str){unicode, sizeof(unicode)});
	}
	put_run(out, s, run, s.n);
}

static void put_uri(struct buf *out, struct str s)
{
	size_t n = uri_encode(s, false, buf_room(out, 3 * s.n));

	buf_added(out, n);
}

static void put_escaped(struct buf *out, struct str s, enum escape escape)
{
	switch (escape) {
	case ESCAPE_NONE:
		buf_put(out, s);
		break;
	case ESCAPE_HTML:
		put_html(out, s);
		break;
	case ESCAPE_JSON:
		put_json(out, s);
		break;
	case ESCAPE_URI:
		put_uri(out, s);
		break;
	}
}

bool template_evaluate(const struct template *t, struct exchange *x,
		       enum escape escape, struct str *text_out)
{
	struct buf out = {0};
	bool fits = true;

	if (t->is_literal) {
		*text_out = t->n_pieces > 0 ? t->pieces[0].text : STR("");
		return true;
	}
	for (size_t i = 0; i < t->n_pieces && fits; i++) {
		const struct template_piece *piece = &t->pieces[i];
		struct str value = variable(piece, x);

		size_t growth = escape == ESCAPE_NONE ? 1 : ESCAPE_GROWTH;

		fits = buf_length(&out) + growth * value.n <= TEMPLATE_MOST;
		if (!fits)
			break;
		/* The query is sent encoded. */
		bool is_encoded =
			escape == ESCAPE_URI && piece->variable == TEMPLATE_QUERY;

		if (piece->variable == TEMPLATE_LITERAL || value.n == 0)
			buf_put(&out, piece->text);
		else if (is_encoded)
			buf_put(&out, value);
		else
			put_escaped(&out, value, escape);
	}
	if (fits)
		*text_out = arena_copy(&x->arena, buf_str(&out));
	buf_release(&out);
	return fits;
}
