/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The input is a message of the handoff. Nothing is read beyond it, and what
 * could be read is the same when it is written and read once more.
 */
#include "base/shared/frozen.h"

#include "t/fuzz/must.h"

struct thing {
	bool yes;
	uint8_t small;
	uint16_t middle;
	uint32_t large;
	uint64_t huge;
	struct str text, more;
};

static const struct frozen_field fields[] = {
	FROZEN_FIELD(thing, text),  FROZEN_FIELD(thing, yes),
	FROZEN_FIELD(thing, small), FROZEN_FIELD(thing, middle),
	FROZEN_FIELD(thing, large), FROZEN_FIELD(thing, huge),
	FROZEN_FIELD(thing, more),
};

static void check_again(const struct frozen_layout *layout, const struct thing *a,
			size_t size)
{
	char *bytes = malloc(size + 64);
	struct frozen_writer w;
	struct frozen_reader r;
	struct thing b = {0};

	MUST(bytes != NULL);
	frozen_begin(&w, bytes, size + 64, &frozen_ours);
	frozen_put(&w, layout, a);
	MUST(w.result == FROZEN_OK && w.n <= size);
	MUST(frozen_open(&r, (struct str){bytes, w.n}, NULL, 0) == FROZEN_OK);
	MUST(frozen_get(&r, layout, &b) == FROZEN_OK);
	MUST(frozen_next(&r) == 0);
	MUST(a->yes == b.yes && a->small == b.small && a->middle == b.middle);
	MUST(a->large == b.large && a->huge == b.huge);
	MUST(str_equal(a->text, b.text) && str_equal(a->more, b.more));
	free(bytes);
}

static void read_all(struct frozen_reader *r, struct str message)
{
	uint16_t kind;

	while ((kind = frozen_next(r)) != 0) {
		const struct frozen_layout layout = {
			.kind = kind,
			.n_fields = sizeof(fields) / sizeof(*fields),
			.fields = fields,
		};
		struct thing thing = {0};
		size_t before = r->rest.n;
		enum frozen_result result = frozen_get(r, &layout, &thing);

		MUST(result == FROZEN_OK || result == FROZEN_DAMAGED);
		MUST(r->rest.n < before && is_within(r->rest, message));
		if (result == FROZEN_DAMAGED)
			continue;
		MUST(is_within(thing.text, message));
		MUST(is_within(thing.more, message));
		check_again(&layout, &thing, message.n);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str message = copy_of((struct str){(const char *)data, size});
	struct frozen_reader r;
	struct frozen_table table, again;
	char text[FROZEN_TABLE_TEXT], *cstr = malloc(size + 1);

	if (frozen_open(&r, message, NULL, 0) == FROZEN_OK)
		read_all(&r, message);
	free((char *)message.p);

	/* And as the text of a table. */
	MUST(cstr != NULL);
	memcpy(cstr, data, size);
	cstr[size] = '\0';
	frozen_table_parse(&table, cstr);
	frozen_table_common(&table, &table, &frozen_ours);
	frozen_table_parse(&again, frozen_table_format(&table, text));
	MUST(memcmp(&table, &again, sizeof(table)) == 0);
	free(cstr);
	return 0;
}
