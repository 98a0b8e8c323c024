/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files below a root: no path leads out of it, what is cached is what is
 * there a second later, and whoever holds a file may go on sending it. The
 * time is given, and the wall clock goes as it is told: nothing here sleeps.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "t/unit/base/scratch.h"
#include "worker/handler/static/file_cache.h"

/* Of file_cache.c. */
enum { KEPT = 4096, OPEN = 1024, CONTENT = 16 * 1024 };

static struct arena arena;
static struct mime_types *types;
static struct file_cache files;
static struct conf_route conf;
static uint64_t now;

/*
 * In the place of the C library's, for this program: the wall clock, by which
 * a file is judged that was changed a moment ago, is that much ahead.
 */
static time_t wall_ahead;

int clock_gettime(clockid_t clock, struct timespec *time_out)
{
	int result = (int)syscall(SYS_clock_gettime, clock, time_out);

	if (clock == CLOCK_REALTIME)
		time_out->tv_sec += wall_ahead;
	return result;
}

/* A route whose root is there, with what it has by default. */
static struct conf_route conf_of(const char *root)
{
	struct conf_static *settings = arena_zalloc(&arena, 1, sizeof(*settings));

	*settings = (struct conf_static){
		.root = arena_copy(&arena, str_of(scratch_path(root))).p,
		.charset = "",
		.cache_control = ""};
	return (struct conf_route){.settings = settings};
}

static void make_folder(const char *name)
{
	assert_int_equal(mkdir(scratch_path(name), 0755), 0);
}

static void make_link(const char *target, const char *name)
{
	assert_int_equal(symlink(target, scratch_path(name)), 0);
}

/*
 * outside/secret
 * root/a.txt  root/empty  root/sub/b.html  root/sub/deep/c
 * root/links: many of them, to all of these
 */
static int set_up_group(void **state)
{
	const char *why;
	int line;

	if (scratch_make(state) != 0 || chmod(scratch, 0755) != 0)
		return -1;
	types = mime_types_load(&arena, "", &why, &line);
	make_folder("outside");
	make_folder("root");
	make_folder("root/sub");
	make_folder("root/sub/deep");
	make_folder("root/links");
	scratch_write("outside/secret", "secret");
	scratch_write("root/a.txt", "hello");
	scratch_write("root/empty", "");
	scratch_write("root/sub/b.html", "<p>");
	scratch_write("root/sub/deep/c", "c");
	make_link("../a.txt", "root/links/inside");
	make_link("../sub", "root/links/sub");
	make_link("inside", "root/links/twice");
	make_link("../../outside/secret", "root/links/outside");
	make_link(scratch_path("outside/secret"), "root/links/absolute");
	make_link("../../outside", "root/links/folder");
	make_link("../..", "root/links/up");
	make_link("../../root/a.txt", "root/links/out_and_in");
	make_link(scratch_path("root/a.txt"), "root/links/absolute_inside");
	make_link("loop", "root/links/loop");
	make_link("nowhere", "root/links/dangling");
	make_link("/proc/self/exe", "root/links/magic");
	return types == NULL ? -1 : 0;
}

static int tear_down_group(void **state)
{
	arena_fini(&arena);
	buf_free_all();
	return scratch_remove(state);
}

static void start(enum conf_symlinks symlinks)
{
	now = 1000 * NS_PER_S;
	wall_ahead = 3600;
	conf = conf_of("root");
	((struct conf_static *)conf.settings)->symlinks = symlinks;
	assert_int_equal(file_cache_init(&files, &conf, types), 0);
}

static void stop(void)
{
	file_cache_fini(&files);
	assert_int_equal(files.root, -1);
}

static struct file *get(const char *path)
{
	struct file *file;

	if (file_cache_get(&files, str_of(path), now, &file) != FILE_CACHE_OK)
		fail_msg("%s is not there", path);
	return file;
}

static enum file_cache_result result_of(const char *path)
{
	struct file *file;
	enum file_cache_result result =
		file_cache_get(&files, str_of(path), now, &file);

	if (result == FILE_CACHE_OK)
		file_release(file);
	return result;
}

static void expect(const char *path, enum file_cache_result wanted)
{
	enum file_cache_result result = result_of(path);

	if (result != wanted)
		fail_msg("%s: %d, not %d", path, (int)result, (int)wanted);
	/* Nor is it there the second time, from the cache. */
	assert_int_equal(result_of(path), wanted);
}

static void expect_content(const char *path, const char *content)
{
	struct file *file = get(path);

	if (!str_equal(file->content, str_of(content)))
		fail_msg("%s: \"%" STR_FMT "\", not \"%s\"", path,
			 STR_ARG(file->content), content);
	file_release(file);
}

static void assert_field(const struct file *file, const char *line)
{
	struct str all = fields_str(&file->fields);

	if (memmem(all.p, all.n, line, strlen(line)) == NULL)
		fail_msg("no %s in %" STR_FMT, line, STR_ARG(all));
}

static void opens(void **state)
{
	(void)state;
	start(CONF_SYMLINKS_INSIDE);
	assert_true(file_cache_root_is_usable(&files));
	expect_content("a.txt", "hello");
	expect_content("sub/b.html", "<p>");
	expect_content("sub/deep/c", "c");
	expect_content("empty", "");
	expect("missing", FILE_CACHE_MISSING);
	expect("sub/missing", FILE_CACHE_MISSING);
	expect("missing/a.txt", FILE_CACHE_MISSING);
	expect("a.txt/", FILE_CACHE_MISSING);
	expect("a.txt/b", FILE_CACHE_MISSING);
	expect("A.txt", FILE_CACHE_MISSING);
	stop();
}

static void directories(void **state)
{
	(void)state;
	start(CONF_SYMLINKS_INSIDE);
	expect("", FILE_CACHE_DIRECTORY);
	expect("sub", FILE_CACHE_DIRECTORY);
	expect("sub/", FILE_CACHE_DIRECTORY);
	expect("links/sub", FILE_CACHE_DIRECTORY);
	stop();
}

static void no_root(void **state)
{
	struct file_cache none;
	struct conf_route nowhere = conf_of("nowhere");
	struct conf_route no_folder = conf_of("root/a.txt");

	(void)state;
	assert_int_equal(file_cache_init(&none, &nowhere, types), -1);
	assert_int_equal(errno, ENOENT);
	file_cache_fini(&none);
	assert_int_equal(file_cache_init(&none, &no_folder, types), -1);
	assert_int_equal(errno, ENOTDIR);
	file_cache_fini(&none);
}

/* A handler is given normalised paths; this is the second wall. */
static void out_of_the_root(void **state)
{
	static const char *const paths[] = {
		"..",
		"../outside/secret",
		"sub/../../outside/secret",
		"./../outside/secret",
		"../root/a.txt",
	};

	(void)state;
	for (int symlinks = CONF_SYMLINKS_INSIDE; symlinks <= CONF_SYMLINKS_NONE;
	     symlinks++) {
		if (symlinks == CONF_SYMLINKS_FOLLOW)
			continue;
		start((enum conf_symlinks)symlinks);
		for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
			expect(paths[i], FILE_CACHE_MISSING);
		expect(scratch_path("outside/secret"), FILE_CACHE_MISSING);
		stop();
	}
}

static void links_inside(void **state)
{
	(void)state;
	start(CONF_SYMLINKS_INSIDE);
	expect_content("links/inside", "hello");
	expect_content("links/twice", "hello");
	expect_content("links/sub/b.html", "<p>");
	expect("links/outside", FILE_CACHE_MISSING);
	expect("links/absolute", FILE_CACHE_MISSING);
	expect("links/folder/secret", FILE_CACHE_MISSING);
	expect("links/up/outside/secret", FILE_CACHE_MISSING);
	/* It counts where a link leads in the end. */
	expect_content("links/out_and_in", "hello");
	expect_content("links/absolute_inside", "hello");
	expect("links/up/root/links/absolute", FILE_CACHE_MISSING);
	expect("links/loop", FILE_CACHE_MISSING);
	expect("links/dangling", FILE_CACHE_MISSING);
	expect("links/magic", FILE_CACHE_MISSING);
	stop();
}

static void links_followed(void **state)
{
	(void)state;
	start(CONF_SYMLINKS_FOLLOW);
	expect_content("links/inside", "hello");
	expect_content("links/outside", "secret");
	expect_content("links/absolute", "secret");
	expect_content("links/folder/secret", "secret");
	expect_content("links/out_and_in", "hello");
	expect("links/folder", FILE_CACHE_DIRECTORY);
	expect("links/loop", FILE_CACHE_MISSING);
	expect("links/dangling", FILE_CACHE_MISSING);
	stop();
}

static void links_refused(void **state)
{
	static const char *const links[] = {
		"inside",   "twice",         "sub/b.html", "outside",
		"absolute", "folder/secret", "out_and_in", "loop",
		"dangling", "sub",           "up",
	};

	(void)state;
	start(CONF_SYMLINKS_NONE);
	expect_content("a.txt", "hello");
	for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++) {
		char path[64];

		snprintf(path, sizeof(path), "links/%s", links[i]);
		expect(path, FILE_CACHE_MISSING);
	}
	stop();
}

/* A link that led inside and now leads outside is seen after a second. */
static void link_that_moves(void **state)
{
	(void)state;
	make_link("a.txt", "root/moving");
	start(CONF_SYMLINKS_INSIDE);
	expect_content("moving", "hello");
	assert_int_equal(unlink(scratch_path("root/moving")), 0);
	make_link("../outside/secret", "root/moving");
	now += NS_PER_S;
	expect("moving", FILE_CACHE_MISSING);
	assert_int_equal(unlink(scratch_path("root/moving")), 0);
	stop();
}

static void no_regular_files(void **state)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/root/socket", scratch);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	/* It has no writer: an open that waits for one would never end. */
	assert_int_equal(mkfifo(scratch_path("root/fifo"), 0644), 0);
	start(CONF_SYMLINKS_INSIDE);
	expect("fifo", FILE_CACHE_MISSING);
	expect("socket", FILE_CACHE_MISSING);
	stop();
	fd_close(&fd);
	assert_int_equal(unlink(scratch_path("root/fifo")), 0);
	assert_int_equal(unlink(scratch_path("root/socket")), 0);
}

static void long_paths(void **state)
{
	char path[PATH_MAX + 10];

	(void)state;
	start(CONF_SYMLINKS_INSIDE);
	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	expect(path, FILE_CACHE_MISSING);
	path[PATH_MAX] = '\0';
	expect(path, FILE_CACHE_MISSING);
	path[PATH_MAX - 1] = '\0';
	expect(path, FILE_CACHE_MISSING);
	path[NAME_MAX + 1] = '\0';
	expect(path, FILE_CACHE_MISSING);
	stop();
}

/* What the user of the workers may not read. For root that is nothing, so it
 * is somebody else for a moment. */
static void denied(void **state)
{
	bool root = geteuid() == 0;

	(void)state;
	scratch_write("root/private", "x");
	assert_int_equal(chmod(scratch_path("root/private"), 0), 0);
	make_folder("root/closed");
	scratch_write("root/closed/file", "x");
	assert_int_equal(chmod(scratch_path("root/closed"), 0), 0);
	start(CONF_SYMLINKS_INSIDE);
	if (root)
		assert_int_equal(seteuid(65534), 0);
	enum file_cache_result file = result_of("private");
	enum file_cache_result folder = result_of("closed/file");
	bool usable = file_cache_root_is_usable(&files);

	assert_int_equal(root ? seteuid(0) : 0, 0);
	assert_int_equal(file, FILE_CACHE_DENIED);
	assert_int_equal(folder, FILE_CACHE_DENIED);
	assert_true(usable);
	stop();

	conf = conf_of("root/closed");
	assert_int_equal(file_cache_init(&files, &conf, types), 0);
	if (root)
		assert_int_equal(seteuid(65534), 0);
	usable = file_cache_root_is_usable(&files);
	assert_int_equal(root ? seteuid(0) : 0, 0);
	assert_false(usable);
	stop();
	assert_int_equal(chmod(scratch_path("root/closed"), 0755), 0);
}

static void fields(void **state)
{
	struct timespec times[2] = {{0, UTIME_OMIT}, {784111777, 5}};
	char tag[64];

	(void)state;
	assert_int_equal(utimensat(AT_FDCWD, scratch_path("root/a.txt"), times, 0),
			 0);
	start(CONF_SYMLINKS_INSIDE);
	struct file *file = get("a.txt");

	assert_field(file, "Content-Type: text/plain");
	assert_field(file, "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
	snprintf(tag, sizeof(tag), "ETag: \"%jx-5\"\r\n",
		 (uintmax_t)784111777 * NS_PER_S + 5);
	assert_field(file, tag);
	file_release(file);
	file = get("sub/b.html");
	assert_field(file, "Content-Type: text/html");
	file_release(file);
	file = get("sub/deep/c");
	assert_field(file, "Content-Type: application/octet-stream\r\n");
	file_release(file);
	stop();
}

static void small_ones_are_in_memory(void **state)
{
	static char text[CONTENT + 2];

	(void)state;
	memset(text, 'x', CONTENT + 1);
	scratch_write("root/large", text);
	text[CONTENT] = '\0';
	scratch_write("root/small", text);
	start(CONF_SYMLINKS_INSIDE);
	struct file *small = get("small"), *large = get("large");

	assert_int_equal(small->fd, -1);
	assert_true(str_equal(small->content, str_of(text)));
	assert_null(large->content.p);
	assert_true(large->fd >= 0);
	assert_int_equal(large->st.st_size, CONTENT + 1);
	assert_true(fcntl(large->fd, F_GETFD) & FD_CLOEXEC);
	int fd = large->fd;

	stop();
	/* Those who send them have them still. */
	assert_true(str_equal(small->content, str_of(text)));
	assert_int_not_equal(fcntl(fd, F_GETFD), -1);
	file_release(small);
	file_release(large);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
}

static void fresh_for_a_second(void **state)
{
	(void)state;
	scratch_write("root/new", "old");
	start(CONF_SYMLINKS_INSIDE);
	struct file *first = get("new"), *same = get("new");

	assert_ptr_equal(first, same);
	file_release(same);
	scratch_write("root/new", "newer");
	now += NS_PER_S - 1;
	same = get("new");
	assert_ptr_equal(same, first);
	file_release(same);
	now += 1;
	expect_content("new", "newer");
	/* Who holds the old one sends the old one. */
	assert_true(str_equal(first->content, STR("old")));
	file_release(first);

	/* Of the same length, in the same second: by its times, or its inode. */
	scratch_write("root/newer", "OTHER");
	assert_int_equal(
		rename(scratch_path("root/newer"), scratch_path("root/new")), 0);
	expect_content("new", "newer");
	now += NS_PER_S;
	expect_content("new", "OTHER");
	assert_int_equal(unlink(scratch_path("root/new")), 0);
	expect_content("new", "OTHER");
	now += NS_PER_S;
	expect("new", FILE_CACHE_MISSING);
	/* What is missing is not remembered as that. */
	scratch_write("root/new", "again");
	expect_content("new", "again");
	stop();
}

static void looked_at_once_a_second(void **state)
{
	(void)state;
	scratch_write("root/kept", "kept");
	start(CONF_SYMLINKS_INSIDE);
	struct file *file = get("kept");

	for (int i = 0; i < 5; i++) {
		now += NS_PER_S;
		struct file *same = get("kept");

		assert_ptr_equal(same, file);
		assert_true(file->checked_at == now);
		file_release(same);
	}
	now += NS_PER_S / 2;
	expect_content("kept", "kept");
	assert_true(file->checked_at == now - NS_PER_S / 2);
	/* Less may be read of it now. */
	assert_int_equal(chmod(scratch_path("root/kept"), 0), 0);
	now += NS_PER_S;
	if (result_of("kept") == FILE_CACHE_OK)
		assert_int_equal(geteuid(), 0);
	assert_int_equal(file->holders, 1);
	file_release(file);
	stop();
}

static void same_name_becomes_a_folder(void **state)
{
	(void)state;
	scratch_write("root/thing", "x");
	start(CONF_SYMLINKS_INSIDE);
	expect_content("thing", "x");
	assert_int_equal(unlink(scratch_path("root/thing")), 0);
	make_folder("root/thing");
	now += NS_PER_S;
	expect("thing", FILE_CACHE_DIRECTORY);
	stop();
}

static void holders(void **state)
{
	(void)state;
	start(CONF_SYMLINKS_INSIDE);
	struct file *file = get("a.txt");

	/* The cache and us. */
	assert_int_equal(file->holders, 2);
	get("a.txt");
	get("a.txt");
	assert_int_equal(file->holders, 4);
	file_release(file);
	file_release(file);
	stop();
	assert_int_equal(file->holders, 1);
	assert_true(str_equal(file->content, STR("hello")));
	file_release(file);
}

static void get_numbered(int i)
{
	char path[32];

	snprintf(path, sizeof(path), "many/%d", i);
	file_release(get(path));
}

static bool is_cached(const char *path)
{
	return map_find(&files.by_path, str_of(path)) != NULL;
}

static void the_oldest_goes(void **state)
{
	(void)state;
	make_folder("root/many");
	scratch_write("root/many/0", "content");
	/* One file by many names is as good as many. */
	for (int i = 1; i <= KEPT; i++) {
		char path[32];

		snprintf(path, sizeof(path), "root/many/%d", i);
		assert_int_equal(
			link(scratch_path("root/many/0"), scratch_path(path)), 0);
	}
	start(CONF_SYMLINKS_INSIDE);
	struct file *held = get("many/1");

	get_numbered(0);
	for (int i = 2; i < KEPT; i++)
		get_numbered(i);
	assert_int_equal(files.by_path.n, KEPT);
	get_numbered(0); /* is the most recent now */
	char last[32];

	snprintf(last, sizeof(last), "many/%d", KEPT);
	struct file *file = get(last);

	assert_int_equal(files.by_path.n, KEPT);
	assert_true(is_cached(last));
	assert_true(is_cached("many/0"));
	assert_false(is_cached("many/1"));
	assert_true(is_cached("many/2"));
	file_release(file);
	/* It went from the cache, not from under who holds it. */
	assert_int_equal(held->holders, 1);
	assert_true(str_equal(held->content, STR("content")));
	struct file *again = get("many/1");

	assert_ptr_not_equal(again, held);
	assert_false(is_cached("many/2"));
	file_release(again);
	file_release(held);
	stop();
}

/* The bound is one for all the roots of a worker. */
static void roots_share_the_bound(void **state)
{
	struct file_cache other;
	struct conf_route many = conf_of("root/many");
	struct file *file;

	(void)state;
	start(CONF_SYMLINKS_INSIDE);
	assert_int_equal(file_cache_init(&other, &many, types), 0);
	for (int i = 0; i < KEPT - 1; i++)
		get_numbered(i);
	for (int i = 0; i < 10; i++) {
		char path[32];

		snprintf(path, sizeof(path), "%d", i);
		assert_int_equal(file_cache_get(&other, str_of(path), now, &file),
				 FILE_CACHE_OK);
		assert_true(str_equal(file->content, STR("content")));
		file_release(file);
		assert_true(files.by_path.n + other.by_path.n <= KEPT);
	}
	/* What one of them lets go of, the other has. */
	now += 10 * NS_PER_S;
	assert_false(file_cache_expire(&files, now));
	assert_int_equal(files.by_path.n, 0);
	for (int i = 0; i < KEPT; i++) {
		char path[32];

		snprintf(path, sizeof(path), "%d", i);
		assert_int_equal(file_cache_get(&other, str_of(path), now, &file),
				 FILE_CACHE_OK);
		file_release(file);
	}
	assert_int_equal(other.by_path.n, KEPT);
	file_cache_fini(&other);
	stop();
}

/* Descriptors are dearer than names: large files are fewer. */
static void large_ones_are_fewer(void **state)
{
	static char content[CONTENT + 2];

	(void)state;
	if (fd_raise_limit() < 2 * OPEN)
		return;
	make_folder("root/heavy");
	memset(content, 'x', CONTENT + 1);
	scratch_write("root/heavy/0", content);
	for (int i = 1; i < OPEN + 10; i++) {
		char path[32];

		snprintf(path, sizeof(path), "root/heavy/%d", i);
		assert_int_equal(
			link(scratch_path("root/heavy/0"), scratch_path(path)), 0);
	}
	start(CONF_SYMLINKS_INSIDE);
	for (int i = 0; i < OPEN + 10; i++) {
		char path[32];

		snprintf(path, sizeof(path), "heavy/%d", i);
		file_release(get(path));
	}
	assert_int_equal(files.by_path.n, OPEN);
	assert_false(is_cached("heavy/9"));
	assert_true(is_cached("heavy/10"));
	stop();
}

static void unused_ones_expire(void **state)
{
	(void)state;
	start(CONF_SYMLINKS_INSIDE);
	assert_false(file_cache_expire(&files, now));
	expect_content("a.txt", "hello");
	now += 2 * NS_PER_S;
	expect_content("sub/b.html", "<p>");
	now += 2 * NS_PER_S;
	assert_true(file_cache_expire(&files, now));
	assert_true(is_cached("a.txt"));
	now += 2 * NS_PER_S;
	assert_true(file_cache_expire(&files, now));
	assert_false(is_cached("a.txt"));
	assert_true(is_cached("sub/b.html"));
	/* Asked for again, it stays for longer. */
	struct file *held = get("sub/b.html");

	now += 4 * NS_PER_S;
	assert_true(file_cache_expire(&files, now));
	now += 4 * NS_PER_S;
	assert_false(file_cache_expire(&files, now));
	assert_false(is_cached("sub/b.html"));
	assert_true(str_equal(held->content, STR("<p>")));
	file_release(held);
	stop();
}

/* One that was changed a moment ago may change once more and look the same:
 * it is not kept. */
static void unsettled_ones_are_not_kept(void **state)
{
	(void)state;
	start(CONF_SYMLINKS_INSIDE);
	wall_ahead = 0;
	scratch_write("root/hot", "1");
	expect_content("hot", "1");
	assert_false(is_cached("hot"));
	scratch_write("root/hot", "2");
	expect_content("hot", "2");
	wall_ahead = 1;
	expect_content("hot", "2");
	assert_true(is_cached("hot"));
	stop();
}

static void set_time(const char *name, time_t when)
{
	struct timespec times[2] = {{.tv_sec = when}, {.tv_sec = when}};

	assert_int_equal(utimensat(AT_FDCWD, scratch_path(name), times, 0), 0);
}

static struct file *gzip_of(const char *path)
{
	struct file *file = get(path), *variant = file->variants[CONF_CODING_GZIP];

	file_release(file);
	return variant; /* the cache holds it */
}

/* A compressed file beside another is looked for once a second, and counts
 * when it is not older. */
static void variants(void **state)
{
	enum conf_coding codings[] = {CONF_CODING_BR, CONF_CODING_GZIP};

	(void)state;
	start(CONF_SYMLINKS_INSIDE);
	((struct conf_static *)conf.settings)->precompressed =
		(struct conf_codings){codings, 2};
	scratch_write("root/page.html", "page");
	set_time("root/page.html", 1000);
	assert_null(gzip_of("page.html"));
	scratch_write("root/page.html.gz", "older");
	set_time("root/page.html.gz", 999);
	now += NS_PER_S;
	assert_null(gzip_of("page.html"));
	set_time("root/page.html.gz", 1000);
	assert_null(gzip_of("page.html"));
	now += NS_PER_S;
	struct file *variant = gzip_of("page.html"), *file = get("page.html");

	assert_non_null(variant);
	assert_int_equal(file->has_variants, 1u << CONF_CODING_GZIP);
	assert_true(str_equal(variant->content, STR("older")));
	assert_field(variant, "Content-Type: text/html\r\n");
	assert_field(variant, "Content-Encoding: gzip\r\n");
	assert_field(variant, "Vary: Accept-Encoding\r\n");
	assert_field(file, "Vary: Accept-Encoding\r\n");
	assert_false(str_equal(file->validators.etag, variant->validators.etag));
	/* Whoever holds the file may send the variant for as long. */
	assert_int_equal(unlink(scratch_path("root/page.html.gz")), 0);
	now += NS_PER_S;
	assert_null(gzip_of("page.html"));
	assert_true(str_equal(variant->content, STR("older")));
	file_release(file);
	/* Nor is it one when it leads out of the root, or is no file. */
	make_link("../outside/secret", "root/page.html.gz");
	make_folder("root/page.html.br");
	now += NS_PER_S;
	assert_null(gzip_of("page.html"));
	stop();
}

/* The log says why, and who asked hears that it failed: nothing is missing. */
static void out_of_descriptors(void **state)
{
	enum { MANY = 64 };
	struct rlimit limit, low;
	int used[MANY], n = 0;

	(void)state;
	start(CONF_SYMLINKS_INSIDE);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	log_set_fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
	low = limit;
	low.rlim_cur = MANY;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	while (n < MANY && (used[n] = dup(STDERR_FILENO)) != -1)
		n++;
	enum file_cache_result result = result_of("a.txt");

	while (n > 0)
		fd_close(&used[--n]);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	log_set_fd(STDERR_FILENO);
	assert_int_equal(result, FILE_CACHE_FAILED);
	expect_content("a.txt", "hello");
	stop();
}

/* Those that it holds itself are the first to go. */
static void descriptors_of_its_own(void **state)
{
	enum { MANY = 64 };
	struct rlimit limit, low;
	int used[MANY], n = 0;

	(void)state;
	start(CONF_SYMLINKS_INSIDE);
	file_release(get("large"));
	assert_true(is_cached("large"));
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	low = limit;
	low.rlim_cur = MANY;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	while (n < MANY && (used[n] = dup(STDERR_FILENO)) != -1)
		n++;
	enum file_cache_result result = result_of("a.txt");

	while (n > 0)
		fd_close(&used[--n]);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(result, FILE_CACHE_OK);
	assert_false(is_cached("large"));
	stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens),
		cmocka_unit_test(directories),
		cmocka_unit_test(no_root),
		cmocka_unit_test(out_of_the_root),
		cmocka_unit_test(links_inside),
		cmocka_unit_test(links_followed),
		cmocka_unit_test(links_refused),
		cmocka_unit_test(link_that_moves),
		cmocka_unit_test(no_regular_files),
		cmocka_unit_test(long_paths),
		cmocka_unit_test(denied),
		cmocka_unit_test(fields),
		cmocka_unit_test(small_ones_are_in_memory),
		cmocka_unit_test(fresh_for_a_second),
		cmocka_unit_test(looked_at_once_a_second),
		cmocka_unit_test(same_name_becomes_a_folder),
		cmocka_unit_test(holders),
		cmocka_unit_test(the_oldest_goes),
		cmocka_unit_test(roots_share_the_bound),
		cmocka_unit_test(large_ones_are_fewer),
		cmocka_unit_test(unused_ones_expire),
		cmocka_unit_test(unsettled_ones_are_not_kept),
		cmocka_unit_test(variants),
		cmocka_unit_test(out_of_descriptors),
		cmocka_unit_test(descriptors_of_its_own),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, set_up_group, tear_down_group);
}
