/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker/http/tools/codings.h"

#include "base/codec/weight.h"

/* The weight of a name in the lines of Accept-Encoding. */
static int weight_of(const struct request *request, struct str name)
{
	for (size_t i = 0; i < request->n_fields; i++) {
		const struct field *field = &request->fields[i];

		if (field->id != FIELD_ACCEPT_ENCODING)
			continue;
		int weight = weight_in(field->value, name);

		if (weight != WEIGHT_UNSAID)
			return weight;
	}
	return WEIGHT_UNSAID;
}

static int coding_weight(const struct request *request, enum conf_coding coding)
{
	int weight = weight_of(request, conf_coding_names[coding]);

	if (weight == WEIGHT_UNSAID && coding == CONF_CODING_GZIP)
		weight = weight_of(request, STR("x-gzip")); /* section 8.4.1.3 */
	return weight == WEIGHT_UNSAID ? weight_of(request, STR("*")) : weight;
}

bool codings_choose(const struct request *request,
		    const struct conf_codings *offered, unsigned there,
		    enum conf_coding *coding_out)
{
	int best = WEIGHT_NEVER;

	if (!request_has(request, FIELD_ACCEPT_ENCODING))
		return false;
	for (size_t i = 0; i < offered->n; i++) {
		enum conf_coding coding = offered->items[i];
		int weight =
			there & 1u << coding ? coding_weight(request, coding) : -1;

		if (weight <= best)
			continue;
		best = weight;
		*coding_out = coding;
	}
	/* Identity is acceptable unless the client excludes it (RFC 9110
	 * section 12.5.3), and preferred if it says so. */
	return best > WEIGHT_NEVER && best >= weight_of(request, STR("identity"));
}
