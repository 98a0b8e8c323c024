/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker/upstream/srv_answer.h"

#include <ares.h>
#include <stdbool.h>
#include <string.h>

#include "base/str.h"

enum {
	HEADER = 12,
	QUESTION = 4,  /* bytes of a question after its name */
	RECORD = 10,   /* of a record before its data */
	SRV_HEAD = 6,  /* of the data of an SRV record before its target */
	TYPE_SRV = 33, /* RFC 2782 */
	CLASS_IN = 1,
	MESSAGE_MAX = 65535,
};

struct reader {
	const unsigned char *bytes;
	size_t n, at;
};

static bool has(const struct reader *r, size_t n)
{
	return r->n - r->at >= n;
}

static unsigned u16_at(const unsigned char *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static uint32_t u32_at(const unsigned char *p)
{
	return (uint32_t)u16_at(p) << 16 | u16_at(p + 2);
}

/* The name at the reader's place, which may point elsewhere in the message:
 * ares_expand_name(3) bounds that. To be freed; NULL for a damaged one. */
static char *read_name(struct reader *r)
{
	char *name = NULL;
	long size = 0;

	if (!has(r, 1) || ares_expand_name(r->bytes + r->at, r->bytes, (int)r->n,
					   &name, &size) != ARES_SUCCESS)
		return NULL;
	r->at += (size_t)size;
	if (r->at <= r->n)
		return name;
	ares_free_string(name);
	return NULL;
}

static bool skip_name(struct reader *r)
{
	char *name = read_name(r);

	if (name == NULL)
		return false;
	ares_free_string(name);
	return true;
}

/* RFC 1123 section 2.1, and "_", which some have. */
static bool is_host_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = ascii_lower(s.p[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    c != '-' && c != '.' && c != '_')
			return false;
	}
	return s.n > 0 && s.n < SRV_TARGET_MAX;
}

/* RFC 2782: the target "." says that the service is not offered. */
static bool take_srv(struct reader *r, size_t size, struct srv_answer *answer)
{
	const unsigned char *p = r->bytes + r->at;
	struct srv_record *record = &answer->records[answer->n];
	size_t end = r->at + size;

	if (size < SRV_HEAD + 1)
		return false;
	r->at += SRV_HEAD;
	char *target = read_name(r);

	if (target == NULL)
		return false;
	struct str name = str_of(target);

	if (name.n > 0 && name.p[name.n - 1] == '.')
		name.n--;
	if (is_host_name(name) && u16_at(p + 4) != 0 && answer->n < SRV_RECORDS) {
		memcpy(record->target, name.p, name.n);
		record->target[name.n] = '\0';
		record->priority = (uint16_t)u16_at(p);
		record->weight = (uint16_t)u16_at(p + 2);
		record->port = (uint16_t)u16_at(p + 4);
		answer->n++;
	}
	ares_free_string(target);
	return r->at == end;
}

static bool take_record(struct reader *r, struct srv_answer *answer)
{
	if (!skip_name(r) || !has(r, RECORD))
		return false;
	const unsigned char *p = r->bytes + r->at;
	size_t size = u16_at(p + 8);
	uint32_t ttl = u32_at(p + 4);

	r->at += RECORD;
	if (!has(r, size))
		return false;
	/* RFC 2181 section 8: one with the highest bit is zero. */
	if (ttl > INT32_MAX)
		ttl = 0;
	if (ttl < answer->ttl)
		answer->ttl = ttl;
	if (u16_at(p) == TYPE_SRV && u16_at(p + 2) == CLASS_IN)
		return take_srv(r, size, answer);
	r->at += size;
	return true;
}

int srv_answer_parse(const unsigned char *bytes, size_t n,
		     struct srv_answer *answer)
{
	struct reader r = {.bytes = bytes, .n = n, .at = HEADER};

	answer->n = 0;
	answer->ttl = INT32_MAX;
	if (n < HEADER || n > MESSAGE_MAX)
		return -1;
	for (unsigned i = u16_at(bytes + 4); i > 0; i--) {
		if (!skip_name(&r) || !has(&r, QUESTION))
			return -1;
		r.at += QUESTION;
	}
	for (unsigned i = u16_at(bytes + 6); i > 0; i--)
		if (!take_record(&r, answer))
			return -1;
	return 0;
}
