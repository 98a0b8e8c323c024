/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/codec/tls_facts.h"

#include <string.h>

enum { TEXT_MAX = 1024 };

static size_t cut(struct str text)
{
	return text.n < TEXT_MAX ? text.n : TEXT_MAX;
}

size_t tls_facts_size(const struct str texts[TLS_FACTS])
{
	size_t n = 0;

	for (int i = 0; i < TLS_FACTS; i++)
		n += cut(texts[i]);
	return n;
}

void tls_facts_set(struct tls_facts *facts, const struct str texts[TLS_FACTS])
{
	char *at = facts->bytes;

	for (int i = 0; i < TLS_FACTS; i++) {
		facts->n[i] = (uint16_t)cut(texts[i]);
		if (facts->n[i] > 0)
			memcpy(at, texts[i].p, facts->n[i]);
		at += facts->n[i];
	}
}

struct str tls_facts_get(const struct tls_facts *facts, enum tls_fact fact)
{
	const char *at = facts->bytes;

	for (int i = 0; i < (int)fact; i++)
		at += facts->n[i];
	return (struct str){at, facts->n[fact]};
}
