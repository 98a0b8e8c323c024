/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker/http/request_id.h"

#include "base/random.h"
#include "worker/http/exchange.h"

enum {
	REQUEST_ID_MAX = 128,   /* bytes of one that came */
	REQUEST_ID_RANDOM = 16, /* bytes of a new one */
	REQUEST_ID_STOCK = 16,  /* new ones by one getrandom(2), which is not
				 * interrupted up to 256 bytes */
};

static bool is_allowed(char c)
{
	char lower = ascii_lower(c);

	return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("._~+/=-", c) != NULL);
}

static bool is_id(struct str s)
{
	if (s.n == 0 || s.n > REQUEST_ID_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!is_allowed(s.p[i]))
			return false;
	return true;
}

static struct str find_field(const struct exchange *x)
{
	struct str found = {NULL, 0};

	for (size_t i = 0; i < x->request.n_fields; i++) {
		const struct field *field = &x->request.fields[i];

		if (field->id != FIELD_OTHER ||
		    !str_equal_nocase(field->name, STR("x-request-id")))
			continue;
		if (found.p != NULL)
			return (struct str){NULL, 0};
		found = field->value;
	}
	return found;
}

static const unsigned char *take_random(void)
{
	static unsigned char stock[REQUEST_ID_STOCK][REQUEST_ID_RANDOM];
	static unsigned left;

	if (left == 0) {
		random_fill(stock, sizeof(stock));
		left = REQUEST_ID_STOCK;
	}
	return stock[--left];
}

static struct str make(struct arena *arena)
{
	static const char hex[] = "0123456789abcdef";
	const unsigned char *random = take_random();
	char *text = arena_bytes(arena, 2 * REQUEST_ID_RANDOM);

	for (size_t i = 0; i < REQUEST_ID_RANDOM; i++) {
		text[2 * i] = hex[random[i] >> 4];
		text[2 * i + 1] = hex[random[i] & 15];
	}
	return (struct str){text, 2 * REQUEST_ID_RANDOM};
}

struct str request_id(struct exchange *x)
{
	if (x->request_id.n > 0)
		return x->request_id;
	struct str came = find_field(x);

	x->request_id = is_id(came) ? came : make(&x->arena);
	return x->request_id;
}
