/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/codec/weight.h"

#include <stdbool.h>

/* qvalue: "0" or "1", and up to three decimals, which are zeros after 1. */
static bool parse_qvalue(struct str text, int *weight_out)
{
	int weight = 0, scale = 1000;

	for (size_t i = 0; i < text.n; i++) {
		if (i == 1) {
			if (text.p[i] != '.')
				return false;
			continue;
		}
		if (text.p[i] < '0' || text.p[i] > '9' || i > 4)
			return false;
		weight += (text.p[i] - '0') * scale;
		scale /= 10;
	}
	*weight_out = weight;
	return text.n > 0 && weight <= WEIGHT_FULLY;
}

/* The weight among the parameters of an element; false when it is wrong. */
static bool find_weight(struct str parameters, int *weight_out)
{
	*weight_out = WEIGHT_FULLY;
	while (parameters.p != NULL) {
		struct str value = str_trim(str_cut(&parameters, ';'));
		struct str name = str_cut(&value, '=');

		if (str_equal_nocase(name, STR("q")))
			return parse_qvalue(value, weight_out);
	}
	return true;
}

int weight_in(struct str list, struct str name)
{
	while (list.p != NULL) {
		struct str parameters = str_cut(&list, ',');
		struct str element = str_trim(str_cut(&parameters, ';'));
		int weight;

		if (str_equal_nocase(element, name) &&
		    find_weight(parameters, &weight))
			return weight;
	}
	return WEIGHT_UNSAID;
}
