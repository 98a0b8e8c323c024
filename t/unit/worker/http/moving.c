/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An exchange that moves in the middle of its content: what is stored for
 * that, what the records carry, and that damaged ones are refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/shared/frozen.h"
#include "t/unit/worker/http/fixture.h"
#include "worker/http/exchange_frozen.h"
#include "worker/http/moving.h"

#define SITES                                                         \
	"limits = { move_file = \"100k\"; };\n"                       \
	"temp = \"/tmp\";\n"                                          \
	"sites = ( { routes = (\n"                                    \
	"{ path = \"/a\"; handler = \"respond\"; body = \"b\"; },\n"  \
	"{ path = \"/other\"; handler = \"redirect\"; to = \"/x\"; }" \
	" ); } );\n"

static struct exchange x, y;
static char large[200 * 1024];
static char message[96 * 1024];
static struct quota *quota;
static int n_resumed, n_released;

static void on_resume(struct exchange *resumed)
{
	assert_ptr_equal(resumed, &x);
	n_resumed++;
}

static const struct exchange_protocol protocol = {
	.on_answer = fake_protocol_on_answer,
	.on_resume = on_resume,
};

static void on_release(void *owner)
{
	assert_ptr_equal(owner, &n_released);
	n_released++;
}

static int set_up(void **state)
{
	(void)state;
	fixture_make(SITES);
	if (quota == NULL)
		quota = quota_create();
	assert_non_null(quota);
	fixture_http.quota = quota;
	for (size_t i = 0; i < sizeof(large); i++)
		large[i] = (char)('a' + i % 26);
	fixture_exchange(&x, &protocol);
	fixture_exchange(&y, &protocol);
	n_resumed = n_released = 0;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	exchange_fini(&x);
	exchange_fini(&y);
	fixture_free();
	return 0;
}

/* Answered, with content of that kind still to be sent. */
static struct body *answer(enum body_kind kind)
{
	struct body *body = &x.response.body;

	assert_int_equal(fixture_begin(&x, "GET", "h", "/a/rest"), 0);
	exchange_handle(&x);
	*body = (struct body){
		.kind = kind,
		.file = -1,
		.owner = &n_released,
		.release = on_release,
	};
	return body;
}

static void begin(struct frozen_writer *writer)
{
	frozen_begin(writer, message, sizeof(message), &frozen_ours);
	assert_int_equal(frozen_put_fd(writer, STDERR_FILENO), 0);
}

/* As if the handoff had carried it: descriptors are copies. */
static bool thaw(const struct frozen_writer *writer, struct str bytes)
{
	struct frozen_reader reader;
	int fds[FROZEN_FDS];

	for (size_t i = 0; i < writer->n_fds; i++)
		fds[i] = dup(writer->fds[i]);
	bool ok = frozen_open(&reader, bytes, fds, writer->n_fds) == FROZEN_OK &&
		  exchange_thaw(&y, &reader);

	frozen_close(&reader);
	return ok;
}

/* To y. */
static void move(void)
{
	struct frozen_writer writer;

	assert_int_equal(moving_prepare(&x), MOVING_READY);
	begin(&writer);
	exchange_freeze(&x, &writer);
	assert_int_equal(writer.result, FROZEN_OK);
	assert_true(thaw(&writer, (struct str){message, writer.n}));
	assert_int_equal(y.state, EXCHANGE_ANSWERED);
}

static void assert_str(struct str got, const char *wanted)
{
	if (!str_equal(got, str_of(wanted)))
		fail_msg("\"%" STR_FMT "\", not \"%s\"", STR_ARG(got), wanted);
}

static void what_the_log_says_goes_along(void **state)
{
	static const struct field fields[] = {
		{STR_INIT("User-Agent"), STR_INIT("curl/8"), FIELD_USER_AGENT},
		{STR_INIT("Cookie"), STR_INIT(""), FIELD_OTHER},
	};

	(void)state;
	answer(BODY_NONE);
	x.request.query = STR("q=1");
	x.request.fields = fields;
	x.request.n_fields = 2;
	x.peer = (struct endpoint){.family = AF_INET6, .port = 77, .ip = {1, 2}};
	x.connection_requests = 9;
	x.request_id = STR("id-1");
	x.user = STR("alice");
	x.content_sent = 1234;
	x.times =
		(struct exchange_times){.first_byte = 5, .head = 6, .answered = 7};
	x.response.body.length = 5000;
	move();
	assert_str(y.request.method_text, "GET");
	assert_str(y.request.target, "/a/rest");
	assert_string_equal(y.request.version, "HTTP/1.1");
	assert_str(y.request.host, "h");
	assert_str(y.request.path, "/a/rest");
	assert_str(y.request.query, "q=1");
	assert_int_equal(y.request.n_fields, 2);
	assert_str(exchange_field(&y, STR("user-agent")), "curl/8");
	assert_true(request_has(&y.request, FIELD_USER_AGENT));
	assert_str(y.request.fields[1].name, "Cookie");
	assert_int_equal(y.peer.family, AF_INET6);
	assert_int_equal(y.peer.port, 77);
	assert_memory_equal(y.peer.ip, x.peer.ip, 16);
	assert_int_equal(y.connection_requests, 9);
	assert_str(y.request_id, "id-1");
	assert_str(y.user, "alice");
	assert_true(y.content_sent == 1234 && y.response.body.length == 5000);
	assert_true(y.times.first_byte == 5 && y.times.head == 6 &&
		    y.times.answered == 7 && y.times.last_byte == 0);
	assert_int_equal(y.response.status, 200);
	assert_true(memmem(y.response.fields.text, y.response.fields.n,
			   "Content-Type: text/plain\r\n", 26) != NULL);
	/* By name, whether we have it or not. */
	assert_ptr_not_equal(y.route, x.route);
	assert_str(y.route->conf->path, "/a");
	assert_str(route_rest(y.route, y.request.path), "/rest");
	assert_null(y.policy);
	/* And it is counted by who has it. */
	exchange_forget(&x);
	assert_int_equal(fixture_counters.requests, 0);
	exchange_finish(&y);
	assert_int_equal(fixture_counters.requests, 1);
}

static void some_bytes_go_in_the_message(void **state)
{
	struct body *body = answer(BODY_BYTES);

	(void)state;
	body->bytes = (struct str){large, 1000};
	move();
	assert_int_equal(n_released, 0);
	assert_int_equal(y.response.body.kind, BODY_BYTES);
	assert_true(str_equal(y.response.body.bytes, body->bytes));
	assert_ptr_not_equal(y.response.body.bytes.p, large);
}

static void assert_file(const struct body *body, const char *wanted, size_t n)
{
	char *got = malloc(n);

	assert_non_null(got);
	assert_int_equal(pread(body->file, got, n, body->offset), n);
	assert_memory_equal(got, wanted, n);
	free(got);
}

static void many_go_in_a_file(void **state)
{
	struct body *body = answer(BODY_BYTES);

	(void)state;
	body->bytes = (struct str){large + 5, 90 * 1024};
	move();
	assert_int_equal(n_released, 1); /* it is in the file */
	assert_int_equal(y.response.body.kind, BODY_FILE);
	assert_int_equal(y.response.body.left, 90 * 1024);
	assert_file(&y.response.body, large + 5, 90 * 1024);
	/* Who has it can go on from there as well, or give it once more. */
	assert_int_equal(body->kind, BODY_FILE);
	assert_file(body, large + 5, 90 * 1024);
}

static void too_many_stay(void **state)
{
	struct body *body = answer(BODY_BYTES);

	(void)state;
	body->bytes = (struct str){large, 100 * 1024 + 1};
	assert_int_equal(moving_prepare(&x), MOVING_LARGE);
	assert_int_equal(body->kind, BODY_BYTES);
	assert_int_equal(n_released, 0);
}

static void parts_of_a_file(void **state)
{
	static struct body_part parts[] = {
		{.bytes = STR_INIT("--b\r\n"), .file = -1, .length = 5},
		{.offset = 7, .length = 11},
		{.bytes = STR_INIT("--b--"), .file = -1, .length = 5},
	};
	struct body *body = answer(BODY_PARTS);

	(void)state;
	parts[1].file =
		open(scratch_write("file", "0123456789012345678"), O_RDONLY);
	body->parts = parts;
	body->n_parts = 3;
	move();
	close(parts[1].file);
	assert_int_equal(y.response.body.kind, BODY_PARTS);
	assert_int_equal(y.response.body.n_parts, 3);
	const struct body_part *got = y.response.body.parts;

	assert_str(got[0].bytes, "--b\r\n");
	assert_int_equal(got[0].file, -1);
	assert_int_not_equal(got[1].file, -1);
	assert_true(got[1].offset == 7 && got[1].length == 11);
	assert_str(got[2].bytes, "--b--");
}

/* A source that makes content as it is read. */

static size_t made, makes;
static int n_run_ahead;

static void run_ahead(void *owner)
{
	assert_ptr_equal(owner, &n_released);
	n_run_ahead++;
}

static enum body_read make(void *owner, struct buf *out, size_t max)
{
	size_t n = makes - made < max ? makes - made : max;

	assert_ptr_equal(owner, &n_released);
	buf_put(out, (struct str){large + made, n});
	made += n;
	return made == makes ? BODY_READ_END : BODY_READ_SOME;
}

static struct body *answer_stream(size_t n)
{
	struct body *body = answer(BODY_STREAM);

	made = 0;
	makes = n;
	body->length = body->left = BODY_LENGTH_UNKNOWN;
	body->read = make;
	body->run_ahead = run_ahead;
	return body;
}

static void run(struct task *task)
{
	(void)task;
	loop_stop(&fixture_loop);
}

static void ticks(int n)
{
	struct task task;

	task_init(&task, run);
	for (int i = 0; i < n; i++) {
		fixture_loop.stopped = false;
		loop_queue(&fixture_loop, &task);
		loop_run(&fixture_loop);
	}
}

/* Reads as a protocol does; returns how much there was. */
static size_t read_all(struct body *body, struct buf *out)
{
	size_t before = buf_length(out);
	enum body_read read;

	do {
		read = body->read(body->owner, out, 10000);
	} while (read == BODY_READ_SOME);
	assert_int_equal(read, BODY_READ_END);
	return buf_length(out) - before;
}

static void content_is_made_to_its_end(void **state)
{
	struct body *body = answer_stream(90 * 1024);
	struct buf out = {0};

	(void)state;
	assert_int_equal(body->read(body->owner, &out, 1000), BODY_READ_SOME);
	n_run_ahead = 0;
	assert_int_equal(moving_prepare(&x), MOVING_SOON);
	assert_int_equal(n_run_ahead, 1);
	assert_int_equal(made, 1000); /* in ticks to come */
	ticks(2);
	assert_int_equal(moving_prepare(&x), MOVING_SOON);
	assert_in_range(made, 16 * 1024, 60 * 1024);
	/* The client is served meanwhile, from the front of it. */
	assert_int_equal(body->read(body->owner, &out, 3000), BODY_READ_SOME);
	assert_int_equal(n_resumed, 0);
	ticks(8);
	assert_int_equal(made, 90 * 1024);
	assert_int_equal(n_resumed, 1);
	assert_int_equal(n_run_ahead, 1);
	/* What the head says may be of it. */
	assert_int_equal(n_released, 0);
	move();
	assert_int_equal(y.response.body.kind, BODY_STREAM);
	assert_true(y.response.body.left == BODY_LENGTH_UNKNOWN);
	size_t n = buf_length(&out);

	assert_int_equal(n, 4000);
	assert_int_equal(read_all(&y.response.body, &out), 90 * 1024 - n);
	assert_memory_equal(buf_str(&out).p, large, 90 * 1024);
	buf_release(&out);
}

static void too_much_of_it_is_served_out(void **state)
{
	struct body *body = answer_stream(sizeof(large));
	struct buf out = {0};

	(void)state;
	assert_int_equal(moving_prepare(&x), MOVING_SOON);
	ticks(20);
	assert_int_equal(moving_prepare(&x), MOVING_LARGE);
	assert_in_range(made, 100 * 1024, 120 * 1024);
	assert_int_equal(read_all(body, &out), sizeof(large));
	assert_memory_equal(buf_str(&out).p, large, sizeof(large));
	buf_release(&out);
}

static void what_waits_for_others_stays(void **state)
{
	struct body *body = answer_stream(10);

	(void)state;
	body->run_ahead = NULL;
	assert_int_equal(moving_prepare(&x), MOVING_HELD);
	assert_ptr_equal(body->read, make);
	exchange_finish(&x);
	/* And so does what is not answered. */
	assert_int_equal(fixture_begin(&x, "GET", "h", "/a"), 0);
	assert_int_equal(moving_prepare(&x), MOVING_HELD);
	exchange_finish(&x);
}

/* Each byte of a message, changed, cut: a reader may take it or not, and has
 * nothing left of it in the end. */
static void damage(void **state)
{
	struct body *body = answer(BODY_PARTS);
	struct body_part parts[] = {
		{.bytes = STR("--b"), .file = -1, .length = 3},
		{.offset = 7, .length = 11},
	};
	struct frozen_writer writer;
	size_t refused = 0;

	(void)state;
	parts[1].file = open("/dev/null", O_RDONLY);
	body->parts = parts;
	body->n_parts = 2;
	begin(&writer);
	exchange_freeze(&x, &writer);
	assert_int_equal(writer.result, FROZEN_OK);
	for (size_t i = 0; i < writer.n; i++) {
		message[i] ^= 0x5a;
		refused += !thaw(&writer, (struct str){message, writer.n});
		message[i] ^= 0x5a;
		exchange_forget(&y);
		refused += !thaw(&writer, (struct str){message, i});
		exchange_forget(&y);
	}
	assert_in_range(refused, writer.n, 2 * writer.n);
	close(parts[1].file);
	body->n_parts = 0;
}

static int count_open(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return n;
}

/* Every byte as the number of a kind: among them that of a content which a
 * handler makes, and which therefore has no file. */
static void a_file_that_nobody_wants_is_closed(void **state)
{
	struct body *body = answer(BODY_FILE);
	struct frozen_writer writer;
	int file = open("/dev/null", O_RDONLY);

	(void)state;
	body->file = file;
	body->left = 5;
	begin(&writer);
	exchange_freeze(&x, &writer);
	int before = count_open();

	for (size_t i = 0; i < writer.n; i++) {
		char was = message[i];

		for (char kind = 0; kind < 8; kind++) {
			message[i] = kind;
			(void)thaw(&writer, (struct str){message, writer.n});
			exchange_forget(&y);
		}
		message[i] = was;
	}
	assert_int_equal(count_open(), before);
	close(file);
}

#define MOVING_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MOVING_TEST(what_the_log_says_goes_along),
		MOVING_TEST(some_bytes_go_in_the_message),
		MOVING_TEST(many_go_in_a_file),
		MOVING_TEST(too_many_stay),
		MOVING_TEST(parts_of_a_file),
		MOVING_TEST(content_is_made_to_its_end),
		MOVING_TEST(too_much_of_it_is_served_out),
		MOVING_TEST(what_waits_for_others_stays),
		MOVING_TEST(damage),
		MOVING_TEST(a_file_that_nobody_wants_is_closed),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	int failed = cmocka_run_group_tests(tests, scratch_make, scratch_remove);

	buf_free_all();
	return failed;
}
