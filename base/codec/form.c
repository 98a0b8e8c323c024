/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/codec/form.h"

#include "base/codec/octet.h"

bool form_next(struct str *rest, struct str *name_out, struct str *value_out)
{
	while (rest->p != NULL) {
		struct str pair = str_cut(rest, '&');

		if (pair.n == 0)
			continue;

		struct str value = pair;

		*name_out = str_cut(&value, '=');
		*value_out =
			value.p != NULL ? value : (struct str){pair.p + pair.n, 0};
		return true;
	}
	return false;
}

/* Decodes one octet and cuts it off the front. */
static char read_octet(struct str *encoded)
{
	char c = encoded->p[0];
	size_t n = 1;

	if (c == '+') {
		c = ' ';
	} else if (c == '%' && encoded->n >= 3) {
		int high = octet_hex(encoded->p[1]);
		int low = octet_hex(encoded->p[2]);

		if (high >= 0 && low >= 0) {
			c = (char)(high << 4 | low);
			n = 3;
		}
	}
	*encoded = str_tail(*encoded, n);
	return c;
}

bool form_name_is(struct str encoded, struct str name)
{
	for (size_t i = 0; i < name.n; i++)
		if (encoded.n == 0 || read_octet(&encoded) != name.p[i])
			return false;
	return encoded.n == 0;
}

size_t form_decoded_size(struct str encoded)
{
	size_t n = 0;

	for (; encoded.n > 0; n++)
		read_octet(&encoded);
	return n;
}

struct str form_find(struct str form, struct str name)
{
	struct str field, value;

	while (form_next(&form, &field, &value))
		if (form_name_is(field, name))
			return value;
	return (struct str){NULL, 0};
}
