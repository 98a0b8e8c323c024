/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The input is a connection's: requests as they come, one after the other,
 * heads and bodies. It is read whole, in halves, byte by byte and in pieces of
 * any size (taken from a hash of it): the same requests have to come out. How
 * each is framed is decided a second time here, in a simpler way.
 */
#include "base/codec/chunked.h"
#include "base/codec/http1_head.h"

#include "t/fuzz/must.h"

enum { REQUESTS_MAX = 16 };

enum place { IN_HEAD, IN_LENGTH, IN_CHUNKED, STOPPED };

/* What came of a connection. */
struct outcome {
	enum place place;
	unsigned status;   /* of the refusal that stopped it; 1: of a body */
	unsigned requests; /* whole heads */
	uint64_t meaning;  /* a hash of all that was read */
	size_t used;       /* bytes of the connection that were read */
};

struct reader {
	struct outcome outcome;
	struct str whole; /* the connection, for the second opinion */
	struct chunked chunked;
	uint64_t left;     /* IN_LENGTH */
	uint64_t body;     /* a hash of the body so far */
	size_t body_start; /* in the connection */
	size_t scanned;
};

static struct http1_head head;

static uint64_t mix(uint64_t hash, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		hash = (hash ^ (unsigned char)s.p[i]) * 1099511628211u;
	return hash;
}

static uint64_t mix_part(uint64_t hash, struct str s)
{
	uint64_t n = s.n;

	return mix(mix(hash, (struct str){(const char *)&n, sizeof(n)}), s);
}

/* The only field of that name; none: p == NULL. More than one must not be. */
static struct str the_one(const char *name)
{
	struct str value = {NULL, 0};

	for (size_t i = 0; i < head.n_fields; i++) {
		if (!str_equal_nocase(head.fields[i].name, str_of(name)))
			continue;
		MUST(value.p == NULL);
		value = head.fields[i].value;
	}
	return value;
}

/* RFC 9112 sections 3.2 and 6, over the fields as they are. */
static void check_framing(void)
{
	struct str length = the_one("content-length"), host = the_one("host");
	struct str coding = the_one("transfer-encoding");
	uint64_t n = 0;

	MUST(length.p == NULL || coding.p == NULL);
	MUST(length.p == NULL || str_to_u64(length, &n));
	MUST(n == head.content_length);
	MUST((coding.p != NULL) == (head.body == HTTP1_BODY_CHUNKED));
	MUST(coding.p == NULL || str_equal_nocase(coding, STR("chunked")));
	MUST(coding.p == NULL || head.minor == 1);
	MUST((n > 0) == (head.body == HTTP1_BODY_LENGTH));
	MUST(host.p != NULL || head.minor == 0);
	MUST(head.form == HTTP1_TARGET_ABSOLUTE || head.host.p == host.p);
}

static void take_head(struct reader *r)
{
	struct outcome *o = &r->outcome;
	unsigned char flags[] = {(unsigned char)head.minor, head.keep_alive,
				 head.expects_continue, (unsigned char)head.body,
				 (unsigned char)head.form};

	check_framing();
	o->requests++;
	o->meaning = mix(o->meaning, (struct str){(char *)flags, sizeof(flags)});
	o->meaning = mix_part(o->meaning, head.method);
	o->meaning = mix_part(o->meaning, head.target);
	o->meaning = mix_part(o->meaning, head.host);
	for (size_t i = 0; i < head.n_fields; i++) {
		o->meaning = mix_part(o->meaning, head.fields[i].name);
		o->meaning = mix_part(o->meaning, head.fields[i].value);
	}
	o->used += head.size;
	r->body = 0;
	r->body_start = o->used;
	r->left = head.content_length;
	r->chunked = (struct chunked){0};
	o->place = head.body == HTTP1_BODY_LENGTH    ? IN_LENGTH
		   : head.body == HTTP1_BODY_CHUNKED ? IN_CHUNKED
						     : IN_HEAD;
	if (o->requests == REQUESTS_MAX)
		o->place = STOPPED;
}

static void refuse(struct reader *r, unsigned status)
{
	r->outcome.status = status;
	r->outcome.place = STOPPED;
}

static void end_body(struct reader *r)
{
	r->outcome.meaning += r->body;
	r->outcome.place = IN_HEAD;
}

/* The end of the line that begins at `from`: of its CRLF, which is there. */
static size_t line_end(struct str s, size_t from)
{
	const char *lf = memchr(s.p + from, '\n', s.n - from);

	MUST(lf != NULL && lf > s.p + from && lf[-1] == '\r');
	return (size_t)(lf - s.p) + 1;
}

/* What was read as a chunked body, read again by the letter of the RFC's
 * grammar, is the same data and as long. */
static void check_chunked(const struct reader *r)
{
	struct str s = {r->whole.p, r->outcome.used};
	size_t at = r->body_start, n;
	uint64_t body = 0;

	do {
		size_t data = line_end(s, at);

		n = (size_t)strtoull(s.p + at, NULL, 16);
		MUST(n <= s.n - data);
		body = mix(body, (struct str){s.p + data, n});
		at = n > 0 ? line_end(s, data + n) : data;
		MUST(n == 0 || at == data + n + 2);
	} while (n > 0);
	while (line_end(s, at) > at + 2)
		at = line_end(s, at);
	MUST(at + 2 == s.n);
	MUST(body == r->body);
}

static void read_head(struct reader *r, struct str *in)
{
	struct http1_limits limits = {.line = 8192, .bytes = 16384, .fields = 100};
	struct http1_verdict v = http1_head_parse(*in, &limits, &r->scanned, &head);

	switch (v.result) {
	case HTTP1_PARTIAL:
		return;
	case HTTP1_BAD:
		refuse(r, v.status);
		return;
	case HTTP1_COMPLETE:
		MUST(head.size <= in->n);
		*in = str_tail(*in, head.size);
		take_head(r);
	}
}

static void read_length(struct reader *r, struct str *in)
{
	struct str piece = {in->p, in->n < r->left ? in->n : (size_t)r->left};

	r->body = mix(r->body, piece);
	r->left -= piece.n;
	r->outcome.used += piece.n;
	*in = str_tail(*in, piece.n);
	if (r->left == 0)
		end_body(r);
}

static void read_chunked(struct reader *r, struct str *in)
{
	size_t before = in->n;
	struct str data;
	enum chunked_result result = chunked_decode(&r->chunked, in, &data);

	r->outcome.used += before - in->n;
	if (result == CHUNKED_PIECE)
		r->body = mix(r->body, data);
	if (result == CHUNKED_BAD)
		refuse(r, 1);
	if (result == CHUNKED_DONE) {
		check_chunked(r);
		end_body(r);
	}
}

/* Reads on in `in` until it needs more, and says what is left of it. */
static size_t read_on(struct reader *r, struct str in)
{
	size_t before;
	enum place place;

	do {
		place = r->outcome.place;
		before = in.n;
		if (place == IN_HEAD)
			read_head(r, &in);
		else if (place == IN_LENGTH)
			read_length(r, &in);
		else if (place == IN_CHUNKED)
			read_chunked(r, &in);
	} while (r->outcome.place != STOPPED &&
		 (in.n < before || r->outcome.place != place));
	return in.n;
}

/* Pieces of `step` bytes; 0: of up to 64, by `seed`. */
static struct outcome run(struct str connection, size_t step, uint64_t seed)
{
	struct reader r = {.whole = connection};
	size_t from = 0, to = 0;

	while (to < connection.n && r.outcome.place != STOPPED) {
		size_t n = step;

		if (step == 0) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			n = 1 + (size_t)(seed >> 58);
		}
		to = n < connection.n - to ? to + n : connection.n;

		/* In memory of its own: nothing may be kept of it. */
		struct str seen =
			copy_of((struct str){connection.p + from, to - from});

		from = to - read_on(&r, seen);
		free((char *)seen.p);
	}
	MUST(r.outcome.used <= connection.n);
	return r.outcome;
}

static void check_same(struct outcome a, struct outcome b)
{
	MUST(a.place == b.place);
	MUST(a.status == b.status);
	MUST(a.requests == b.requests);
	MUST(a.meaning == b.meaning);
	MUST(a.place == STOPPED || a.used == b.used);
}

/* A target that refuses everything finds nothing. */
static void check_target(void)
{
	struct outcome o = run(STR("POST / HTTP/1.1\r\nHost: a\r\n"
				   "Transfer-Encoding: chunked\r\n\r\n"
				   "1\r\nx\r\n0\r\n\r\n"),
			       SIZE_MAX, 0);

	MUST(o.place == IN_HEAD && o.requests == 1 && o.status == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool checked;

	if (!checked)
		check_target();
	checked = true;

	/* What is wrong with a head is known when it has ended, however it
	 * was cut (http1_head.h): so let it end. */
	char *p = malloc(size + 4);

	MUST(p != NULL);
	if (size > 0)
		memcpy(p, data, size);
	memcpy(p + size, "\r\n\r\n", 4);

	struct str connection = {p, size + 4};
	uint64_t hash = str_hash(connection);
	struct outcome whole = run(connection, connection.n, 0);

	check_same(whole, run(connection, connection.n / 2 + 1, 0));
	check_same(whole, run(connection, 0, hash));
	if (size <= 4096) /* each byte is a copy of a head */
		check_same(whole, run(connection, 1, 0));
	free(p);
	return 0;
}
