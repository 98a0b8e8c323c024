/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bound addresses: shared by those who use them, kept while one does, gone
 * with the last; and the files of Unix sockets with them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/log.h"
#include "master/listeners.h"
#include "t/unit/base/scratch.h"

static struct listeners listeners;
static char why[WHY_SIZE];

static int set_up(void **state)
{
	(void)state;
	listeners_init(&listeners);
	why[0] = '\0';
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	listeners_fini(&listeners);
	return list_is_empty(&listeners.all) ? 0 : -1;
}

/* A listener as the configuration has it; its text is valid until the fourth
 * from now. */
static struct conf_listener conf_of(const char *text)
{
	static char texts[4][ADDR_TEXT];
	static unsigned next;
	struct conf_listener conf = {
		.protocol = "echo",
		.backlog = 10,
		.mode = 0640,
		.origin = {.file = "a.conf", .line = 7},
	};

	assert_null(addr_parse(str_of(text), &conf.addr));
	conf.text = addr_format(&conf.addr, texts[next++ % 4]);
	return conf;
}

static struct conf_listener conf_of_file(const char *name)
{
	char text[ADDR_TEXT];

	snprintf(text, sizeof(text), "unix:%s", scratch_path(name));
	return conf_of(text);
}

static struct socket_access access_of(const struct conf_listener *conf)
{
	return (struct socket_access){(mode_t)conf->mode, (uid_t)-1, (gid_t)-1};
}

static struct bound *use(struct listeners *of, const struct conf_listener *conf)
{
	const struct socket_access access = access_of(conf);

	return listeners_use(of, conf, &access, why);
}

static void settle(struct bound *bound, const struct conf_listener *conf)
{
	const struct socket_access access = access_of(conf);

	listeners_commit(bound, conf, &access);
}

/* A socket that is used and serves. */
static struct bound *serve(const struct conf_listener *conf)
{
	struct bound *bound = use(&listeners, conf);

	if (bound == NULL)
		fail_msg("%s", why);
	settle(bound, conf);
	return bound;
}

static bool answers(const struct addr *addr)
{
	int fd = addr_connect(addr, 0);
	bool answered = fd != -1;

	fd_close(&fd);
	return answered;
}

static bool exists(const char *name)
{
	struct stat st;

	return lstat(scratch_path(name), &st) == 0;
}

static void shared_until_the_last(void **state)
{
	struct conf_listener conf = conf_of("127.0.0.1:0");
	struct bound *one = serve(&conf), *two = serve(&conf);
	struct addr addr = one->addr;

	(void)state;
	assert_ptr_equal(one, two);
	assert_int_not_equal(addr_port(&addr), 0);
	assert_true(answers(&addr));
	assert_false(listeners_release(&one));
	assert_null(one);
	assert_true(answers(&addr));
	assert_true(listeners_release(&two));
	assert_false(answers(&addr));
	/* Nobody leaves twice. */
	assert_false(listeners_release(&two));
}

static void others_are_others(void **state)
{
	struct conf_listener a = conf_of("127.0.0.1:0"), b = conf_of("127.0.0.2:0");
	struct bound *one = serve(&a), *two = serve(&b);

	(void)state;
	assert_ptr_not_equal(one, two);
	listeners_release(&one);
	assert_true(answers(&two->addr));
	listeners_release(&two);
}

static void in_use(void **state)
{
	struct conf_listener any = conf_of("127.0.0.1:0");
	struct bound *bound = serve(&any);
	struct listeners others = {0};
	char text[ADDR_TEXT];

	(void)state;
	listeners_init(&others);
	struct conf_listener same = conf_of(addr_format(&bound->addr, text));

	assert_null(use(&others, &same));
	assert_non_null(strstr(why, "a.conf:7: "));
	assert_non_null(strstr(why, same.text));
	assert_non_null(strstr(why, "in use"));
	listeners_release(&bound);
	listeners_fini(&others);
}

/* Children that are being killed still have it: the address is free at once. */
static void abandoned(void **state)
{
	struct conf_listener conf = conf_of("127.0.0.1:0");
	struct bound *bound = use(&listeners, &conf);

	(void)state;
	assert_non_null(bound);
	settle(bound, &conf);
	struct addr addr = bound->addr;
	int of_a_child = dup(bound->fd);

	assert_true(answers(&addr));
	listeners_abandon(&bound);
	assert_null(bound);
	assert_false(answers(&addr));
	fd_close(&of_a_child);
}

/* One that others serve with goes on. */
static void abandoned_by_one(void **state)
{
	struct conf_listener conf = conf_of("127.0.0.1:0");
	struct bound *one = serve(&conf), *two = use(&listeners, &conf);

	(void)state;
	listeners_abandon(&two);
	assert_true(answers(&one->addr));
	listeners_release(&one);
}

static unsigned mode_of(const char *name)
{
	struct stat st;

	assert_int_equal(stat(scratch_path(name), &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	return st.st_mode & 07777;
}

static void a_file(void **state)
{
	struct conf_listener conf = conf_of_file("a.sock");
	struct bound *bound = serve(&conf);
	struct addr addr = bound->addr;

	(void)state;
	assert_int_equal(mode_of("a.sock"), 0640);
	assert_true(answers(&addr));
	conf.mode = 0600;
	settle(bound, &conf);
	assert_int_equal(mode_of("a.sock"), 0600);
	listeners_release(&bound);
	assert_false(exists("a.sock"));
}

/* What somebody else has put in its place stays. */
static void a_file_of_another(void **state)
{
	struct conf_listener conf = conf_of_file("a.sock");
	struct bound *bound = serve(&conf);

	(void)state;
	assert_int_equal(unlink(scratch_path("a.sock")), 0);
	scratch_write("a.sock", "precious\n");
	listeners_release(&bound);
	assert_true(exists("a.sock"));
	/* Nor is it replaced. */
	assert_null(use(&listeners, &conf));
	assert_true(exists("a.sock"));
	assert_int_equal(unlink(scratch_path("a.sock")), 0);
}

/* One of a server that is gone is replaced, one that answers is not. */
static void a_stale_file(void **state)
{
	struct conf_listener conf = conf_of_file("a.sock");
	struct bound *bound = serve(&conf);
	struct listeners others = {0};

	(void)state;
	listeners_init(&others);
	assert_null(use(&others, &conf));
	assert_true(answers(&bound->addr));
	bound->file_handed_over = true; /* as if it had been killed */
	listeners_release(&bound);
	assert_true(exists("a.sock"));
	bound = serve(&conf);
	assert_true(answers(&bound->addr));
	listeners_release(&bound);
	assert_false(exists("a.sock"));
	listeners_fini(&others);
}

/* From the master before us: by its key, whatever it is bound to; and its file
 * stays until we serve with it. */
static void taken_over(void **state)
{
	struct conf_listener conf = conf_of_file("a.sock"),
			     unused = conf_of("127.0.0.1:0");
	struct bound *old = serve(&conf), *other = serve(&unused);
	struct listeners ours = {0};

	(void)state;
	listeners_init(&ours);
	listeners_take_over(&ours, conf.text, dup(old->fd), false);
	listeners_take_over(&ours, unused.text, dup(other->fd), false);
	struct bound *bound = use(&ours, &conf);

	assert_non_null(bound);
	/* The new master fails: the old one's file stays. */
	listeners_abandon(&bound);
	assert_true(exists("a.sock"));
	assert_true(answers(&old->addr));

	listeners_take_over(&ours, conf.text, dup(old->fd), false);
	bound = use(&ours, &conf);
	assert_non_null(bound);
	settle(bound, &conf);
	listeners_drop_unused(&ours);
	old->file_handed_over = true;
	listeners_release(&old);
	listeners_release(&other);
	assert_true(answers(&bound->addr));
	listeners_release(&bound);
	assert_false(exists("a.sock"));
	listeners_fini(&ours);
}

/* systemd's: given back, not closed, and used again; its file is not ours. */
static void inherited(void **state)
{
	struct conf_listener conf = conf_of_file("a.sock");
	struct bound *of_systemd = serve(&conf);
	struct addr addr = of_systemd->addr;
	struct listeners ours = {0};

	(void)state;
	listeners_init(&ours);
	listeners_take_over(&ours, conf.text, dup(of_systemd->fd), true);
	conf.mode = 0600;
	for (int i = 0; i < 2; i++) {
		struct bound *bound = use(&ours, &conf);

		assert_non_null(bound);
		settle(bound, &conf);
		assert_int_equal(mode_of("a.sock"), 0640);
		listeners_release(&bound);
		assert_true(exists("a.sock"));
		assert_true(answers(&addr));
	}
	listeners_fini(&ours);
	listeners_release(&of_systemd);
}

static void backlog_changes(void **state)
{
	struct conf_listener conf = conf_of_file("a.sock");
	int waiting[20], n = 0;

	(void)state;
	conf.backlog = 2;
	struct bound *bound = serve(&conf);

	conf.backlog = 5;
	settle(bound, &conf);
	while (n < 20) {
		waiting[n] = addr_connect(&bound->addr, SOCK_NONBLOCK);
		if (waiting[n] == -1)
			break;
		n++;
	}
	assert_int_equal(n, 6);
	while (n > 0)
		fd_close(&waiting[--n]);
	listeners_release(&bound);
}

#define LISTENERS_TEST(test) \
	cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LISTENERS_TEST(shared_until_the_last),
		LISTENERS_TEST(others_are_others),
		LISTENERS_TEST(in_use),
		LISTENERS_TEST(abandoned),
		LISTENERS_TEST(abandoned_by_one),
		LISTENERS_TEST(a_file),
		LISTENERS_TEST(a_file_of_another),
		LISTENERS_TEST(a_stale_file),
		LISTENERS_TEST(taken_over),
		LISTENERS_TEST(inherited),
		LISTENERS_TEST(backlog_changes),
	};

	log_set_fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
