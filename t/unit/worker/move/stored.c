/* SPDX-License-Identifier: BSD-2-Clause */
/* A message in a file: what comes out of it, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "worker/move/stored.h"

/* The whole message: one record with a string. */
struct text {
	struct str bytes;
};
static const struct frozen_field text_fields[] = {
	FROZEN_FIELD(text, bytes),
};
static const struct frozen_layout text_layout =
	FROZEN_LAYOUT(FROZEN_INPUT, text_fields);

static char large[300 * 1024], whole_bytes[STORED_BYTES], message[1024];
static struct frozen_writer whole, writer;
static struct buf bytes;
static int file;

static void put_whole(const struct frozen_table *readers)
{
	struct text text = {{large, sizeof(large)}};

	frozen_begin(&whole, whole_bytes, sizeof(whole_bytes), readers);
	frozen_put_fd(&whole, STDIN_FILENO);
	frozen_put(&whole, &text_layout, &text);
	assert_int_equal(whole.result, FROZEN_OK);
}

static int set_up(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(large); i++)
		large[i] = (char)(i * 7 + i / 251);
	put_whole(&frozen_ours);
	assert_true(stored_put(&writer, &whole, message, sizeof(message), &file));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	close(file);
	buf_release(&bytes);
	return 0;
}

/* Reads what was sent, with these descriptors. */
static enum frozen_result get(struct frozen_reader *reader, const int *fds,
			      size_t n)
{
	enum frozen_result result =
		frozen_open(reader, (struct str){message, writer.n}, fds, n);

	buf_release(&bytes);
	return result == FROZEN_OK ? stored_get(reader, &bytes) : result;
}

static void comes_out_as_it_went_in(void **state)
{
	struct frozen_reader reader;
	struct text text = {{NULL, 0}};

	(void)state;
	assert_true(writer.n < 100);
	assert_int_equal(writer.n_fds, 2);
	assert_int_equal(writer.fds[0], STDIN_FILENO);
	assert_int_equal(writer.fds[1], file);
	assert_int_equal(get(&reader, writer.fds, 2), FROZEN_OK);
	assert_int_equal(frozen_get(&reader, &text_layout, &text), FROZEN_OK);
	assert_int_equal(text.bytes.n, sizeof(large));
	assert_memory_equal(text.bytes.p, large, sizeof(large));
	assert_int_equal(frozen_next(&reader), 0);
	/* Both descriptors may still have to be sent on. */
	assert_int_equal(reader.fds[0], STDIN_FILENO);
	assert_int_equal(reader.fds[1], file);
}

static void any_other_message_is_let_be(void **state)
{
	struct frozen_reader reader;
	struct text text = {{NULL, 0}};

	(void)state;
	assert_int_equal(
		frozen_open(&reader, (struct str){whole.bytes, whole.n}, NULL, 0),
		FROZEN_OK);
	assert_int_equal(stored_get(&reader, &bytes), FROZEN_OK);
	assert_int_equal(buf_length(&bytes), 0);
	assert_int_equal(frozen_get(&reader, &text_layout, &text), FROZEN_OK);
}

static void only_for_those_who_understand(void **state)
{
	struct frozen_table readers = frozen_ours;
	int none;

	(void)state;
	readers.kinds[FROZEN_STORED] = (struct frozen_range){0, 0};
	put_whole(&readers);
	assert_false(stored_put(&writer, &whole, message, sizeof(message), &none));
	assert_int_equal(writer.result, FROZEN_FOREIGN);
	assert_int_equal(none, -1);
}

static void too_many_descriptors(void **state)
{
	int none;

	(void)state;
	while (whole.n_fds < FROZEN_FDS)
		frozen_put_fd(&whole, STDIN_FILENO);
	assert_false(stored_put(&writer, &whole, message, sizeof(message), &none));
	assert_int_equal(writer.result, FROZEN_FULL);
	assert_int_equal(none, -1);
}

static void damage(void **state)
{
	struct frozen_reader reader;
	int pipes[2];

	(void)state;
	/* No file, one that is no file, one that is cut off, and one that has
	 * something else in it. */
	assert_int_equal(get(&reader, writer.fds, 1), FROZEN_DAMAGED);
	assert_int_equal(pipe2(pipes, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(get(&reader, (int[]){0, pipes[0]}, 2), FROZEN_DAMAGED);
	close(pipes[0]);
	close(pipes[1]);
	assert_int_equal(ftruncate(file, 1000), 0);
	assert_int_equal(get(&reader, writer.fds, 2), FROZEN_DAMAGED);
	assert_int_equal(ftruncate(file, 0), 0);
	assert_int_equal(ftruncate(file, (off_t)whole.n), 0);
	assert_int_equal(get(&reader, writer.fds, 2), FROZEN_DAMAGED);
	/* Each byte of the record. */
	assert_int_equal(pwrite(file, whole.bytes, whole.n, 0), whole.n);
	for (size_t i = 0; i < writer.n; i++) {
		message[i] ^= 0x15;
		(void)get(&reader, writer.fds, 2);
		message[i] ^= 0x15;
	}
	assert_int_equal(get(&reader, writer.fds, 2), FROZEN_OK);
	/* The size, which is the last field, is over the limit. */
	message[writer.n - 1] = 1;
	assert_int_equal(get(&reader, writer.fds, 2), FROZEN_DAMAGED);
	assert_int_equal(buf_size(&bytes), 0);
}

/* A message in a file is the connection itself. */
static void not_one_in_another(void **state)
{
	struct frozen_reader reader;
	struct text text;

	(void)state;
	assert_int_equal(ftruncate(file, 0), 0);
	assert_int_equal(pwrite(file, message, writer.n, 0), writer.n);
	memcpy(message + writer.n - 4, (char[]){(char)writer.n, 0, 0, 0}, 4);
	assert_int_equal(get(&reader, writer.fds, 2), FROZEN_OK);
	assert_int_equal(frozen_get(&reader, &text_layout, &text), FROZEN_ABSENT);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(comes_out_as_it_went_in),
		TEST(any_other_message_is_let_be),
		TEST(only_for_those_who_understand),
		TEST(too_many_descriptors),
		TEST(damage),
		TEST(not_one_in_another),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	buf_free_all();
	return failed;
}
