/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages that outlive releases; frozen.h has the format and its rules. First
 * the tables of versions, then single numbers, then records: one walk over the
 * table of a kind's fields for writing, one for reading. Runs in any process,
 * the writing half in signal handlers too.
 *
 * A build with HOLDFAST_FORMAT_SHIFT=1 stands in tests for the next release: it
 * has one more version of each kind, in which all fields are in reverse order
 * behind a new one. With HOLDFAST_FORMAT_FORGETS=1 it knows only that version.
 */
#include "base/shared/frozen.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FROZEN_MAGIC = 0x7a667068 };

#ifndef HOLDFAST_FORMAT_SHIFT
#define HOLDFAST_FORMAT_SHIFT 0
#endif
#ifndef HOLDFAST_FORMAT_FORGETS
#define HOLDFAST_FORMAT_FORGETS 0
#endif
static const uint32_t shift_mark = 0x73686966;

static const uint16_t newest_real[FROZEN_KINDS_END] = {
#define NEWEST(name, number, oldest, newest) [number] = (newest),
	FROZEN_KINDS(NEWEST)
#undef NEWEST
};

const struct frozen_table frozen_ours = {{
#define RANGE(name, number, oldest, newest)                            \
	[number] = {HOLDFAST_FORMAT_FORGETS ? (newest) + 1 : (oldest), \
		    (newest) + HOLDFAST_FORMAT_SHIFT},
	FROZEN_KINDS(RANGE)
#undef RANGE
}};

const struct frozen_table frozen_nothing;

const char *frozen_result_name(enum frozen_result result)
{
	static const char *const names[] = {
		[FROZEN_OK] = "fine",
		[FROZEN_ABSENT] = "a record is missing",
		[FROZEN_DAMAGED] = "it is damaged",
		[FROZEN_FOREIGN] = "it is in a format of another release",
		[FROZEN_FULL] = "it is too large",
	};

	return names[result];
}

/* What a process understands. */

const char *frozen_table_format(const struct frozen_table *table,
				char text_out[FROZEN_TABLE_TEXT])
{
	size_t n =
		(size_t)snprintf(text_out, FROZEN_TABLE_TEXT, "%d", FROZEN_FORMAT);

	for (unsigned kind = 1; kind < FROZEN_KINDS_END; kind++) {
		struct frozen_range range = table->kinds[kind];

		if (range.newest > 0 && n < FROZEN_TABLE_TEXT)
			n += (size_t)snprintf(text_out + n, FROZEN_TABLE_TEXT - n,
					      " %u:%u-%u", kind, range.oldest,
					      range.newest);
	}
	return text_out;
}

/* The number that `text` begins with, up to `end`, cut off. */
static bool cut_number(struct str *text, char end, uint16_t *number_out)
{
	struct str digits = str_cut(text, end);
	uint64_t number;

	if (!str_to_u64(digits, &number) || number > UINT16_MAX)
		return false;
	*number_out = (uint16_t)number;
	return true;
}

static bool parse_range(struct frozen_table *table, struct str text)
{
	struct frozen_range range;
	uint16_t kind;

	if (!cut_number(&text, ':', &kind) ||
	    !cut_number(&text, '-', &range.oldest) ||
	    !cut_number(&text, '\0', &range.newest) || range.oldest == 0 ||
	    range.newest < range.oldest)
		return false;
	if (kind < FROZEN_KINDS_END)
		table->kinds[kind] = range;
	return true;
}

void frozen_table_parse(struct frozen_table *table_out, const char *text)
{
	struct str rest = str_of(text);
	uint16_t format = 0;

	*table_out = frozen_nothing;
	if (!cut_number(&rest, ' ', &format) || format != FROZEN_FORMAT)
		return;
	while (rest.p != NULL)
		if (!parse_range(table_out, str_cut(&rest, ' '))) {
			*table_out = frozen_nothing;
			return;
		}
}

void frozen_table_common(struct frozen_table *common_out,
			 const struct frozen_table *a, const struct frozen_table *b)
{
	struct frozen_table common = {0};

	for (unsigned kind = 1; kind < FROZEN_KINDS_END; kind++) {
		struct frozen_range x = a->kinds[kind], y = b->kinds[kind];
		struct frozen_range both = {
			.oldest = x.oldest > y.oldest ? x.oldest : y.oldest,
			.newest = x.newest < y.newest ? x.newest : y.newest,
		};

		if (both.newest >= both.oldest)
			common.kinds[kind] = both;
	}
	*common_out = common;
}

uint16_t frozen_version(const struct frozen_table *readers, enum frozen_kind kind)
{
	struct frozen_range ours = frozen_ours.kinds[kind];
	struct frozen_range theirs = readers->kinds[kind];
	uint16_t version =
		ours.newest < theirs.newest ? ours.newest : theirs.newest;

	return version >= ours.oldest && version >= theirs.oldest ? version : 0;
}

/* Numbers. */

static void store(char *to, uint64_t number, size_t width)
{
	for (size_t i = 0; i < width; i++)
		to[i] = (char)(unsigned char)(number >> 8 * i);
}

static uint64_t load(const char *from, size_t width)
{
	uint64_t number = 0;

	for (size_t i = width; i-- > 0;)
		number = number << 8 | (unsigned char)from[i];
	return number;
}

static const uint8_t widths[] = {
	[FROZEN_BOOL] = 1, [FROZEN_U8] = 1,  [FROZEN_U16] = 2,
	[FROZEN_U32] = 4,  [FROZEN_U64] = 8, [FROZEN_STR] = 4, /* the length */
};

/* Fields. */

static bool is_shifted(uint16_t kind, uint16_t version)
{
	return version > newest_real[kind];
}

/* The field of that number in the order of the version, or NULL when the
 * version has it not. */
static const struct frozen_field *field_at(const struct frozen_layout *layout,
					   uint16_t version, size_t i)
{
	uint16_t real = version;

	if (is_shifted(layout->kind, version)) {
		real = newest_real[layout->kind];
		i = layout->n_fields - 1u - i;
	}
	const struct frozen_field *field = &layout->fields[i];

	return real >= field->since && (field->until == 0 || real <= field->until)
		       ? field
		       : NULL;
}

static void put_bytes(struct frozen_writer *w, const char *bytes, size_t n)
{
	if (w->result == FROZEN_OK && n > w->room - w->n)
		w->result = FROZEN_FULL;
	if (w->result != FROZEN_OK)
		return;
	if (n > 0)
		memcpy(w->bytes + w->n, bytes, n);
	w->n += n;
}

static void put_number(struct frozen_writer *w, uint64_t number, size_t width)
{
	char bytes[8];

	store(bytes, number, width);
	put_bytes(w, bytes, width);
}

static void put_field(struct frozen_writer *w, const struct frozen_field *field,
		      const void *object)
{
	const char *member = (const char *)object + field->offset;
	uint64_t number;

	switch (field->type) {
	case FROZEN_BOOL:
		number = *(const bool *)member;
		break;
	case FROZEN_U8:
		number = *(const uint8_t *)member;
		break;
	case FROZEN_U16:
		number = *(const uint16_t *)(const void *)member;
		break;
	case FROZEN_U32:
		number = *(const uint32_t *)(const void *)member;
		break;
	case FROZEN_U64:
		number = *(const uint64_t *)(const void *)member;
		break;
	default:
		number = ((const struct str *)(const void *)member)->n;
		if (number > UINT32_MAX)
			w->result = FROZEN_FULL;
		break;
	}
	put_number(w, number, widths[field->type]);
	if (field->type == FROZEN_STR)
		put_bytes(w, ((const struct str *)(const void *)member)->p,
			  (size_t)number);
}

/* Takes `n` bytes off the front of *from. */
static bool cut(struct str *from, size_t n, struct str *bytes_out)
{
	if (n > from->n)
		return false;
	*bytes_out = (struct str){from->p, n};
	*from = (struct str){from->p + n, from->n - n};
	return true;
}

static bool get_number(struct str *from, size_t width, uint64_t *number_out)
{
	struct str bytes;

	if (!cut(from, width, &bytes))
		return false;
	*number_out = load(bytes.p, width);
	return true;
}

static bool get_field(struct str *from, const struct frozen_field *field,
		      void *object)
{
	void *member = (char *)object + field->offset;
	uint64_t number;

	if (!get_number(from, widths[field->type], &number))
		return false;
	switch (field->type) {
	case FROZEN_BOOL:
		*(bool *)member = number == 1;
		return number <= 1;
	case FROZEN_U8:
		*(uint8_t *)member = (uint8_t)number;
		return true;
	case FROZEN_U16:
		*(uint16_t *)member = (uint16_t)number;
		return true;
	case FROZEN_U32:
		*(uint32_t *)member = (uint32_t)number;
		return true;
	case FROZEN_U64:
		*(uint64_t *)member = number;
		return true;
	default:
		return cut(from, (size_t)number, member);
	}
}

/* Writing. */

void frozen_begin(struct frozen_writer *writer, char *bytes, size_t room,
		  const struct frozen_table *readers)
{
	*writer = (struct frozen_writer){
		.readers = readers, .bytes = bytes, .room = room};
	put_number(writer, FROZEN_MAGIC, 4);
	put_number(writer, FROZEN_FORMAT, 2);
	put_number(writer, 0, 2);
}

void frozen_put(struct frozen_writer *writer, const struct frozen_layout *layout,
		const void *object)
{
	uint16_t version = frozen_version(writer->readers, layout->kind);
	size_t start = writer->n;

	if (version == 0 && (layout->flags & FROZEN_MAY_SKIP) != 0)
		return;
	if (version == 0 && writer->result == FROZEN_OK)
		writer->result = FROZEN_FOREIGN;
	put_number(writer, layout->kind, 2);
	put_number(writer, version, 2);
	put_number(writer, layout->flags, 2);
	put_number(writer, 0, 4); /* the length: see below */
	if (is_shifted(layout->kind, version))
		put_number(writer, shift_mark, 4);
	for (size_t i = 0; i < layout->n_fields; i++) {
		const struct frozen_field *field = field_at(layout, version, i);

		if (field != NULL)
			put_field(writer, field, object);
	}
	if (writer->result == FROZEN_OK)
		store(writer->bytes + start + FROZEN_RECORD_HEADER - 4,
		      writer->n - start - FROZEN_RECORD_HEADER, 4);
}

uint8_t frozen_put_fd(struct frozen_writer *writer, int fd)
{
	if (writer->n_fds == FROZEN_FDS) {
		if (writer->result == FROZEN_OK)
			writer->result = FROZEN_FULL;
		return FROZEN_NO_FD;
	}
	writer->fds[writer->n_fds] = fd;
	return (uint8_t)writer->n_fds++;
}

void frozen_set_returned(char *message, uint16_t returned)
{
	store(message + FROZEN_HEADER - 2, returned, 2);
}

/* Reading. */

struct record {
	uint64_t kind, version, flags;
	struct str fields;
};

static bool cut_record(struct str *from, struct record *record_out)
{
	uint64_t length;

	return get_number(from, 2, &record_out->kind) &&
	       get_number(from, 2, &record_out->version) &&
	       get_number(from, 2, &record_out->flags) &&
	       get_number(from, 4, &length) &&
	       cut(from, (size_t)length, &record_out->fields);
}

static bool is_known(const struct record *record)
{
	if (record->kind >= FROZEN_KINDS_END)
		return false;
	struct frozen_range range = frozen_ours.kinds[record->kind];

	return record->version >= range.oldest && record->version <= range.newest &&
	       range.newest > 0;
}

static bool may_skip(const struct record *record)
{
	return !is_known(record) && (record->flags & FROZEN_MAY_SKIP) != 0;
}

static enum frozen_result open_message(struct frozen_reader *reader,
				       uint64_t *returned_out)
{
	uint64_t magic = 0, format = 0;
	enum frozen_result result = FROZEN_OK;
	struct record record;

	if (!get_number(&reader->rest, 4, &magic) || magic != FROZEN_MAGIC ||
	    !get_number(&reader->rest, 2, &format) ||
	    !get_number(&reader->rest, 2, returned_out))
		return FROZEN_DAMAGED;
	if (format != FROZEN_FORMAT)
		return FROZEN_FOREIGN;
	for (struct str rest = reader->rest; rest.n > 0;) {
		if (!cut_record(&rest, &record))
			return FROZEN_DAMAGED;
		if (!is_known(&record) && !may_skip(&record))
			result = FROZEN_FOREIGN;
	}
	return result;
}

enum frozen_result frozen_open(struct frozen_reader *reader, struct str message,
			       const int *fds, size_t n_fds)
{
	uint64_t returned = 0;

	*reader = (struct frozen_reader){.rest = message};
	for (size_t i = 0; i < FROZEN_FDS; i++)
		reader->fds[i] = i < n_fds ? fds[i] : -1;
	reader->n_fds = n_fds;
	enum frozen_result result = open_message(reader, &returned);

	reader->returned = (uint16_t)returned;
	return result;
}

enum frozen_result frozen_go_on(struct frozen_reader *reader, struct str message)
{
	uint64_t of_the_first;

	reader->rest = message;
	return open_message(reader, &of_the_first);
}

/* The next record that must not be skipped, cut off *rest. */
static bool cut_known(struct str *rest, struct record *record_out)
{
	while (cut_record(rest, record_out))
		if (!may_skip(record_out))
			return true;
	return false;
}

uint16_t frozen_next(const struct frozen_reader *reader)
{
	struct str rest = reader->rest;
	struct record record;

	return cut_known(&rest, &record) ? (uint16_t)record.kind : 0;
}

enum frozen_result frozen_get(struct frozen_reader *reader,
			      const struct frozen_layout *layout, void *object)
{
	struct str rest = reader->rest;
	struct record record;
	uint64_t mark;

	if (!cut_known(&rest, &record) || record.kind != layout->kind)
		return FROZEN_ABSENT;
	uint16_t version = (uint16_t)record.version;

	reader->rest = rest;
	if (is_shifted(layout->kind, version) &&
	    (!get_number(&record.fields, 4, &mark) || mark != shift_mark))
		return FROZEN_DAMAGED;
	for (size_t i = 0; i < layout->n_fields; i++) {
		const struct frozen_field *field = field_at(layout, version, i);

		if (field != NULL && !get_field(&record.fields, field, object))
			return FROZEN_DAMAGED;
	}
	return record.fields.n == 0 ? FROZEN_OK : FROZEN_DAMAGED;
}

int frozen_get_fd(struct frozen_reader *reader, uint8_t number)
{
	if (number >= FROZEN_FDS)
		return -1;
	int fd = reader->fds[number];

	reader->fds[number] = -1;
	return fd;
}

void frozen_close(struct frozen_reader *reader)
{
	for (size_t i = 0; i < FROZEN_FDS; i++)
		if (reader->fds[i] != -1)
			close(reader->fds[i]);
	for (size_t i = 0; i < FROZEN_FDS; i++)
		reader->fds[i] = -1;
}
