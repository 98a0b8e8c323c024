/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/shared/ticket_keys.h"

#include <string.h>
#include <sys/random.h>

bool ticket_keys_rotate(struct ticket_keys *keys)
{
	struct ticket_key fresh;
	uint32_t kept = keys->n < TICKET_KEYS - 1 ? keys->n : TICKET_KEYS - 1;

	if (getrandom(&fresh, sizeof(fresh), 0) != (ssize_t)sizeof(fresh))
		return false;
	memmove(&keys->keys[1], &keys->keys[0], kept * sizeof(fresh));
	keys->keys[0] = fresh;
	keys->n = kept + 1;
	explicit_bzero(&fresh, sizeof(fresh));
	return true;
}

const char *ticket_keys_format(const struct ticket_keys *keys,
			       char text_out[TICKET_KEYS_TEXT])
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *bytes = (const uint8_t *)keys->keys;
	size_t n = keys->n * sizeof(keys->keys[0]);

	for (size_t i = 0; i < n; i++) {
		text_out[2 * i] = digits[bytes[i] >> 4];
		text_out[2 * i + 1] = digits[bytes[i] & 15];
	}
	text_out[2 * n] = '\0';
	return text_out;
}

static int digit(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
				      : -1;
}

bool ticket_keys_parse(struct ticket_keys *keys_out, const char *text)
{
	size_t n = strlen(text), size = sizeof(keys_out->keys[0]);
	uint8_t bytes[sizeof(keys_out->keys)];

	if (n == 0 || n % (2 * size) != 0 || n / 2 > sizeof(bytes))
		return false;
	for (size_t i = 0; i < n / 2; i++) {
		int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	memcpy(keys_out->keys, bytes, n / 2);
	keys_out->n = (uint32_t)(n / 2 / size);
	explicit_bzero(bytes, sizeof(bytes));
	return true;
}
