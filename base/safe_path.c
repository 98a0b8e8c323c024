/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A walk of openat(2), component by component: what a link says takes the place
 * of the link in what is left of the path. (openat2(2) can refuse all links or
 * none.)
 */
#include "base/safe_path.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"

enum { SAFE_PATH_LINKS = 40 }; /* as path_resolution(7) */

struct walk {
	struct safe_path *at;
	const char *path;    /* for messages */
	char rest[PATH_MAX]; /* what is left */
	unsigned links;
	char *why;
	size_t why_size;
};

static int fail(struct walk *w, const char *what)
{
	if (what == NULL)
		what = strerror(errno);
	if (strcmp(w->path, w->at->name) == 0 || w->at->name[0] == '\0')
		snprintf(w->why, w->why_size, "%s", what);
	else
		snprintf(w->why, w->why_size, "%s (at \"%s\")", what, w->at->name);
	return -1;
}

/* Root's, ours, or of whom the root folder is: where a user namespace does not
 * know root, it has another number. */
static bool is_trusted(uid_t uid)
{
	struct stat root;

	return uid == 0 || uid == geteuid() ||
	       (stat("/", &root) == 0 && uid == root.st_uid);
}

static bool others_can_write(const struct stat *folder)
{
	return !is_trusted(folder->st_uid) || (folder->st_mode & 022) != 0;
}

static int move_to(struct walk *w, int fd)
{
	if (fd == -1)
		return fail(w, NULL);
	fd_close(&w->at->folder);
	w->at->folder = fd;
	return 0;
}

static bool is_proc(int folder)
{
	struct statfs fs;

	return fstatfs(folder, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

/* Puts what a link says before the rest. */
static int read_link(struct walk *w)
{
	char text[PATH_MAX], rest[PATH_MAX];
	ssize_t n = readlinkat(w->at->folder, w->at->name, text, sizeof(text) - 1);

	if (n == -1)
		return fail(w, NULL);
	text[n] = '\0';
	memcpy(rest, w->rest, sizeof(rest));
	if (snprintf(w->rest, sizeof(w->rest), "%s%s%s", text,
		     rest[0] != '\0' ? "/" : "", rest) >= (int)sizeof(w->rest)) {
		errno = ENAMETOOLONG;
		return fail(w, NULL);
	}
	if (text[0] == '/')
		return move_to(w, open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
	return 0;
}

/* 1: the walk ends at it, which is a descriptor. */
static int follow(struct walk *w, const struct stat *link)
{
	struct stat folder;

	if (++w->links > SAFE_PATH_LINKS) {
		errno = ELOOP;
		return fail(w, NULL);
	}
	if (fstat(w->at->folder, &folder) == -1)
		return fail(w, NULL);
	if (!is_trusted(link->st_uid) || others_can_write(&folder))
		return fail(w, "a symbolic link that others can change is not "
			       "followed");
	if (!is_proc(w->at->folder))
		return read_link(w);
	if (w->rest[0] == '\0') {
		w->at->is_descriptor = true;
		return 1;
	}
	return move_to(w, openat(w->at->folder, w->at->name,
				 O_PATH | O_DIRECTORY | O_CLOEXEC));
}

/* The next component into at->name; false at the end. */
static bool next_name(struct walk *w)
{
	const char *start = w->rest + strspn(w->rest, "/");
	size_t n = strcspn(start, "/");
	char after[PATH_MAX];

	if (n == 0)
		return false;
	snprintf(w->at->name, sizeof(w->at->name), "%.*s", (int)n, start);
	snprintf(after, sizeof(after), "%s", start + n + strspn(start + n, "/"));
	memcpy(w->rest, after, sizeof(after));
	return true;
}

/* 1: the walk has ended. */
static int step(struct walk *w)
{
	struct stat st;

	if (!next_name(w)) {
		errno = EISDIR;
		return fail(w, NULL);
	}
	if (fstatat(w->at->folder, w->at->name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT && w->rest[0] == '\0' ? 1 : fail(w, NULL);
	if (S_ISLNK(st.st_mode))
		return follow(w, &st);
	if (w->rest[0] == '\0')
		return 1;
	return move_to(w, openat(w->at->folder, w->at->name,
				 O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

int safe_path_open(struct safe_path *path_out, const char *path, char *why_out,
		   size_t why_size)
{
	struct walk w = {
		.at = path_out, .path = path, .why = why_out, .why_size = why_size};
	int done = 0;

	*path_out = (struct safe_path){.folder = -1};
	if (strlen(path) >= sizeof(w.rest)) {
		errno = ENAMETOOLONG;
		return fail(&w, NULL);
	}
	memcpy(w.rest, path, strlen(path) + 1);
	if (move_to(&w, open(path[0] == '/' ? "/" : ".",
			     O_PATH | O_DIRECTORY | O_CLOEXEC)) == -1)
		return -1;
	while (done == 0)
		done = step(&w);
	return done == 1 ? 0 : -1;
}

void safe_path_close(struct safe_path *path)
{
	fd_close(&path->folder);
}

int safe_path_flags(const struct safe_path *path)
{
	return O_CLOEXEC | O_NOCTTY | (path->is_descriptor ? 0 : O_NOFOLLOW);
}

bool safe_path_is_private(const struct safe_path *path)
{
	struct stat st;

	return fstat(path->folder, &st) == 0 && is_trusted(st.st_uid) &&
	       ((st.st_mode & 022) == 0 || (st.st_mode & S_ISVTX) != 0);
}
