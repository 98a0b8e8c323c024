/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Links of our own in folders of our own are followed; a link in a folder that
 * others may write is not, wherever in the path it is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/safe_path.h"
#include "t/unit/base/scratch.h"

static char why[300];

/* Opens and reads what is at the path; NULL with `why`. */
static const char *read_at(const char *path)
{
	static char text[100];
	struct safe_path at;
	int fd;

	why[0] = '\0';
	if (safe_path_open(&at, path, why, sizeof(why)) == -1) {
		assert_true(why[0] != '\0');
		safe_path_close(&at);
		return NULL;
	}
	fd = openat(at.folder, at.name, O_RDONLY | safe_path_flags(&at));
	safe_path_close(&at);
	if (fd == -1)
		return "";
	ssize_t n = read(fd, text, sizeof(text) - 1);

	fd_close(&fd);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void make_folder(const char *name, mode_t mode)
{
	assert_int_equal(mkdir(scratch_path(name), 0700), 0);
	assert_int_equal(chmod(scratch_path(name), mode), 0);
}

static void make_link(const char *to, const char *name)
{
	assert_int_equal(symlink(to, scratch_path(name)), 0);
}

static int make_tree(void **state)
{
	int result = scratch_make(state);

	make_folder("own", 0755);
	make_folder("open", 0777);
	make_folder("sticky", 01777);
	make_folder("group", 0775);
	scratch_write("own/file", "here");
	scratch_write("open/file", "there");
	return result;
}

static void plain(void **state)
{
	struct safe_path at;

	(void)state;
	assert_string_equal(read_at(scratch_path("own/file")), "here");
	assert_string_equal(read_at(scratch_path("open/file")), "there");
	assert_string_equal(read_at(scratch_path("own//./file")), "here");
	/* It need not be there, but its folder has to. */
	assert_int_equal(
		safe_path_open(&at, scratch_path("own/new"), why, sizeof(why)), 0);
	assert_string_equal(at.name, "new");
	assert_true(safe_path_is_private(&at));
	safe_path_close(&at);
	assert_int_equal(at.folder, -1);
	assert_null(read_at(scratch_path("none/new")));
	assert_null(read_at(scratch_path("own/file/new")));
	assert_null(read_at("/"));
	assert_null(read_at(""));
}

static void links_of_ours(void **state)
{
	(void)state;
	make_link("own/file", "relative");
	make_link(scratch_path("own/file"), "absolute");
	make_link("own", "folder");
	make_link("folder", "twice");
	make_link("loop", "loop");
	make_link("own/later", "dangling");
	assert_string_equal(read_at(scratch_path("relative")), "here");
	assert_string_equal(read_at(scratch_path("absolute")), "here");
	assert_string_equal(read_at(scratch_path("folder/file")), "here");
	assert_string_equal(read_at(scratch_path("twice/file")), "here");
	assert_string_equal(read_at(scratch_path("dangling")), "");
	assert_null(read_at(scratch_path("loop")));
}

static void links_that_others_can_change(void **state)
{
	static const char *const folders[] = {"open", "sticky", "group"};
	char name[40], path[80];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "%s/link", folders[i]);
		make_link("../own/file", name);
		assert_null(read_at(scratch_path(name)));
		assert_non_null(strstr(why, "symbolic link"));
		assert_non_null(strstr(why, "\"link\""));
		snprintf(name, sizeof(name), "%s/folder", folders[i]);
		make_link("../own", name);
		snprintf(path, sizeof(path), "%s/file", name);
		assert_null(read_at(scratch_path(path)));
		assert_non_null(strstr(why, "\"folder\""));
		/* By a link of ours. */
		snprintf(path, sizeof(path), "to-%s", folders[i]);
		make_link(name, path);
		snprintf(path, sizeof(path), "to-%s/file", folders[i]);
		assert_null(read_at(scratch_path(path)));
	}
}

/* Of somebody else, in a folder of ours: only root can make one. */
static void links_of_others(void **state)
{
	(void)state;
	if (geteuid() != 0)
		return;
	make_link("own/file", "theirs");
	assert_int_equal(lchown(scratch_path("theirs"), 12345, 12345), 0);
	assert_null(read_at(scratch_path("theirs")));
	make_folder("foreign", 0755);
	make_link("../own/file", "foreign/link");
	assert_int_equal(chown(scratch_path("foreign"), 12345, 12345), 0);
	assert_null(read_at(scratch_path("foreign/link")));
}

static void private_folders(void **state)
{
	static const struct {
		const char *name;
		bool is_private;
	} cases[] = {{"own/x", true},
		     {"open/x", false},
		     {"sticky/x", true},
		     {"group/x", false}};
	struct safe_path at;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(safe_path_open(&at, scratch_path(cases[i].name),
						why, sizeof(why)),
				 0);
		assert_int_equal(safe_path_is_private(&at), cases[i].is_private);
		safe_path_close(&at);
	}
}

/* /dev/stdout leads to whatever that is, also to a file that is deleted. */
static void descriptors(void **state)
{
	int fd = open(scratch_path("out"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	char path[40], text[40];

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "out", 3), 3);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_string_equal(read_at(path), "out");
	make_link(path, "by-link");
	assert_string_equal(read_at(scratch_path("by-link")), "out");
	assert_int_equal(unlink(scratch_path("out")), 0);
	assert_string_equal(read_at(path), "out");
	snprintf(text, sizeof(text), "/dev/fd/%d", fd);
	assert_string_equal(read_at(text), "out");
	fd_close(&fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain),
		cmocka_unit_test(links_of_ours),
		cmocka_unit_test(links_that_others_can_change),
		cmocka_unit_test(links_of_others),
		cmocka_unit_test(private_folders),
		cmocka_unit_test(descriptors),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_tree, scratch_remove);
}
