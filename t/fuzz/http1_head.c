/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The input is a head, as it comes. Limits and the place of a cut are taken
 * from a hash of it, so that the corpus is heads and nothing else.
 */
#include "base/codec/http1_head.h"

#include "base/codec/octet.h"
#include "base/codec/uri.h"
#include "t/fuzz/must.h"

static struct http1_head head, other;

static struct http1_limits limits_for(uint64_t hash)
{
	struct http1_limits limits = {.line = 8192, .bytes = 16384, .fields = 100};

	if (hash % 4 == 0)
		limits.bytes = 16 + hash / 4 % 256;
	if (hash % 5 == 0)
		limits.line = 16 + hash / 5 % 64;
	if (hash % 7 == 0)
		limits.fields = hash / 7 % 8;
	return limits;
}

/* No control character but HTAB, and no white space around it. */
static bool is_value(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return str_equal(s, str_trim(s));
}

static void check_complete(struct str bytes, const struct http1_limits *limits)
{
	struct str whole = {bytes.p, head.size};

	MUST(head.size <= bytes.n && head.size <= limits->bytes);
	MUST(str_ends_with(whole, STR("\r\n\r\n")));
	MUST(head.n_fields <= limits->fields);
	MUST(is_within(head.method, whole) && octet_is_token(head.method));
	MUST(is_within(head.target, whole) && head.target.n > 0);
	MUST(is_within(head.path, head.target) && head.path.n > 0);
	MUST(head.path.p[0] == '/' || str_equal(head.path, STR("*")));
	MUST(is_within(head.query, head.target));
	MUST(is_within(head.host, whole));
	MUST(head.host.p == NULL || uri_host_is_valid(head.host));
	MUST(head.host.p != NULL || head.minor == 0);
	MUST(head.minor <= 1);
	MUST(head.content_length <= INT64_MAX);
	MUST((head.body == HTTP1_BODY_LENGTH) == (head.content_length > 0));
	for (size_t i = 0; i < head.n_fields; i++) {
		MUST(is_within(head.fields[i].name, whole));
		MUST(octet_is_token(head.fields[i].name));
		MUST(is_within(head.fields[i].value, whole));
		MUST(head.fields[i].value.p != NULL);
		MUST(is_value(head.fields[i].value));
	}
}

static char *put(char *out, struct str s)
{
	memcpy(out, s.p, s.n);
	return out + s.n;
}

/* Written out again from its parts, the head means the same. */
static void check_round_trip(void)
{
	struct http1_limits limits = {.line = 65536, .bytes = 65536, .fields = 256};
	char *text = malloc(head.size + 2 * head.n_fields), *p = text;
	size_t scanned = 0;

	MUST(text != NULL);
	p = put(p, head.method);
	*p++ = ' ';
	p = put(p, head.target);
	p = put(p, head.minor ? STR(" HTTP/1.1\r\n") : STR(" HTTP/1.0\r\n"));
	for (size_t i = 0; i < head.n_fields; i++) {
		p = put(p, head.fields[i].name);
		p = put(p, STR(": "));
		p = put(p, head.fields[i].value);
		p = put(p, STR("\r\n"));
	}
	p = put(p, STR("\r\n"));

	struct str bytes = {text, (size_t)(p - text)};
	struct http1_verdict v = http1_head_parse(bytes, &limits, &scanned, &other);

	MUST(v.result == HTTP1_COMPLETE && other.size == bytes.n);
	MUST(str_equal(head.host, other.host));
	MUST(str_equal(head.path, other.path));
	MUST(str_equal(head.query, other.query));
	MUST(head.form == other.form && head.minor == other.minor);
	MUST(head.keep_alive == other.keep_alive);
	MUST(head.expects_continue == other.expects_continue);
	MUST(head.body == other.body);
	MUST(head.content_length == other.content_length);
	MUST(head.n_fields == other.n_fields);
	for (size_t i = 0; i < head.n_fields; i++)
		MUST(head.fields[i].id == other.fields[i].id);
	free(text);
}

/* The verdict on the first `n` bytes, from memory of just their size. */
static struct http1_verdict look(struct str bytes, size_t n,
				 const struct http1_limits *limits, size_t *scanned)
{
	struct str copy = copy_of((struct str){bytes.p, n});
	struct http1_verdict v = http1_head_parse(copy, limits, scanned, &other);

	free((char *)copy.p);
	return v;
}

/* `v` was found in pieces, as far as it went; what was not refused in pieces
 * yet has to be when the head has ended. */
static void check_same(struct str bytes, const struct http1_limits *limits,
		       struct http1_verdict whole, struct http1_verdict v,
		       size_t scanned)
{
	if (whole.result == HTTP1_BAD && v.result == HTTP1_PARTIAL) {
		char *longer = malloc(bytes.n + 4);

		MUST(longer != NULL);
		memcpy(longer, bytes.p, bytes.n);
		memcpy(longer + bytes.n, "\r\n\r\n", 4);
		v = look((struct str){longer, bytes.n + 4}, bytes.n + 4, limits,
			 &scanned);
		free(longer);
	}
	MUST(v.result == whole.result);
	MUST(v.status == whole.status);
	if (v.result == HTTP1_COMPLETE)
		MUST(other.size == head.size);
}

static void check_pieces(struct str bytes, const struct http1_limits *limits,
			 struct http1_verdict whole, size_t cut)
{
	struct http1_verdict v;
	size_t scanned = 0, n = 0;

	v = look(bytes, cut, limits, &scanned);
	if (v.result == HTTP1_PARTIAL)
		v = look(bytes, bytes.n, limits, &scanned);
	check_same(bytes, limits, whole, v, scanned);

	scanned = 0;
	do
		v = look(bytes, n, limits, &scanned);
	while (v.result == HTTP1_PARTIAL && n++ < bytes.n);
	check_same(bytes, limits, whole, v, scanned);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str bytes = copy_of((struct str){(const char *)data, size});
	uint64_t hash = str_hash(bytes);
	struct http1_limits limits = limits_for(hash);
	size_t scanned = 0;
	struct http1_verdict whole =
		http1_head_parse(bytes, &limits, &scanned, &head);

	MUST((whole.result == HTTP1_BAD) == (whole.status != 0));
	MUST((whole.result == HTTP1_BAD) == (whole.why != NULL));
	if (whole.result == HTTP1_COMPLETE) {
		check_complete(bytes, &limits);
		check_round_trip();
	}
	check_pieces(bytes, &limits, whole, hash / 1024 % (bytes.n + 1));
	free((char *)bytes.p);
	return 0;
}
