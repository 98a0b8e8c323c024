/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The input is a body of multipart/form-data whose boundary is "b", or, with
 * a line before it that begins with ";", the one in those parameters. What is
 * read is written out again, and has to mean the same.
 */
#include "base/codec/multipart.h"

#include "t/fuzz/must.h"

enum { PARTS_MAX = 64 };

static struct multipart m, again;

/* The type of an input, whose line for it is taken off. */
static struct str take_type(struct str *input, char *text, size_t room)
{
	struct str type = STR("multipart/form-data; boundary=b");
	const char *lf = input->n > 0 && input->p[0] == ';'
				 ? memchr(input->p, '\n', input->n)
				 : NULL;

	if (lf == NULL)
		return type;

	size_t n = (size_t)(lf - input->p);

	*input = str_tail(*input, n + 1);
	type.n = strlen("multipart/form-data");
	if (n > room - type.n)
		n = room - type.n;
	memcpy(text, type.p, type.n);
	memcpy(text + type.n, lf - n, n);
	return (struct str){text, type.n + n};
}

/* Whether a line that is no more than a delimiter is in the content. */
static bool has_delimiter(struct str content)
{
	const char *at;

	while (content.n > 0 && (at = memmem(content.p, content.n, m.delimiter,
					     m.delimiter_size)) != NULL) {
		content = str_tail(content,
				   (size_t)(at - content.p) + m.delimiter_size);
		struct str rest = content;

		if (str_starts_with(rest, STR("--")))
			rest = str_tail(rest, 2);
		if (str_starts_with(rest, STR("\r\n")))
			return true;
	}
	return false;
}

static void check_part(struct str body, const struct multipart_part *part,
		       const char *last)
{
	struct str text = {m.text, sizeof(m.text)};

	MUST(is_within(part->content, body) && part->content.p >= last);
	MUST(is_within(part->type, body));
	MUST(part->name.p != NULL && is_within(part->name, text));
	MUST(is_within(part->filename, text));
	for (size_t i = 0; i < part->filename.n; i++)
		MUST(part->filename.p[i] != '/' && part->filename.p[i] != '\\');
	MUST(!has_delimiter(part->content));
}

static char *put(char *out, struct str s)
{
	if (s.n > 0)
		memcpy(out, s.p, s.n);
	return out + s.n;
}

/* As a browser writes it, but for "\", which it leaves. */
static char *put_quoted(char *out, struct str s)
{
	*out++ = '"';
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"')
			out = put(out, STR("%22"));
		else if (s.p[i] == '\r')
			out = put(out, STR("%0D"));
		else if (s.p[i] == '\n')
			out = put(out, STR("%0A"));
		else if (s.p[i] == '\\')
			out = put(out, STR("\\\\"));
		else
			*out++ = s.p[i];
	}
	*out++ = '"';
	return out;
}

/* Of a name that "%22" in it does not change. */
static bool is_plain(struct str name)
{
	static const char *const encodings[] = {"%22", "%0D", "%0d", "%0A", "%0a"};

	for (size_t i = 0; i < 5; i++)
		if (name.n > 0 && memmem(name.p, name.n, encodings[i], 3) != NULL)
			return false;
	for (size_t i = 0; i < name.n; i++)
		if (((unsigned char)name.p[i] < ' ' || name.p[i] == 0x7f) &&
		    (name.p[i] == '\0' || strchr("\t\r\n", name.p[i]) == NULL))
			return false;
	return true;
}

/* The part alone, written again, is the same. */
static void check_round_trip(struct str type, const struct multipart_part *part)
{
	struct str delimiter = {m.delimiter, m.delimiter_size};
	char *text = malloc(part->content.n + part->type.n +
			    3 * (part->name.n + part->filename.n) + 512);
	char *out = text;
	struct multipart_part copy;

	MUST(text != NULL);
	out = put(out, str_tail(delimiter, 2));
	out = put(out, STR("\r\nContent-Disposition: form-data; name="));
	out = put_quoted(out, part->name);
	if (part->filename.p != NULL) {
		out = put(out, STR("; filename="));
		out = put_quoted(out, part->filename);
	}
	if (part->type.p != NULL) {
		out = put(out, STR("\r\nContent-Type: "));
		out = put(out, part->type);
	}
	out = put(out, STR("\r\n\r\n"));
	out = put(out, part->content);
	out = put(out, delimiter);
	out = put(out, STR("--"));
	MUST(multipart_init(&again, type,
			    (struct str){text, (size_t)(out - text)}));

	enum multipart_result result = multipart_next(&again, &copy);

	/* Written so, a header may have become too long. */
	if (result == MULTIPART_PART) {
		MUST(str_equal(copy.name, part->name));
		MUST(str_equal(copy.filename, part->filename));
		MUST((copy.filename.p == NULL) == (part->filename.p == NULL));
		MUST(str_equal(copy.type, part->type));
		MUST(str_equal(copy.content, part->content));
		MUST(multipart_next(&again, &copy) == MULTIPART_END);
	} else {
		MUST(3 * (part->name.n + part->filename.n) + part->type.n + 256 >
		     MULTIPART_HEAD_MAX);
	}
	free(text);
}

/* The next part, looked for `step` bytes at a time. */
static enum multipart_result next(size_t step, struct multipart_part *part)
{
	enum multipart_result result;

	do {
		m.budget = step;
		result = multipart_next(&m, part);
	} while (result == MULTIPART_MORE);
	return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[256];
	struct str input = {(const char *)data, size};
	struct str type = take_type(&input, text, sizeof(text));
	struct str body = copy_of(input);
	struct multipart_part part;
	enum multipart_result result = MULTIPART_BAD;
	const char *last = body.p;
	uint64_t hash = str_hash(body);
	size_t step = hash % 2 ? SIZE_MAX : 1 + hash / 2 % 100;

	if (multipart_init(&m, type, body)) {
		MUST(m.delimiter_size > 4 && m.delimiter_size <= 74);
		for (int n = 0; n < PARTS_MAX; n++) {
			result = next(step, &part);
			if (result != MULTIPART_PART)
				break;
			check_part(body, &part, last);
			last = part.content.p + part.content.n;
			if (is_plain(part.name) && is_plain(part.filename))
				check_round_trip(type, &part);
		}
	}
	MUST((result == MULTIPART_BAD) == (m.why != NULL));
	MUST(result == MULTIPART_PART ||
	     multipart_next(&m, &part) == MULTIPART_BAD);
	free((char *)body.p);
	return 0;
}
