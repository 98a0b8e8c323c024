/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel does the work (openat2(2)). It takes every absolute link for one
 * that leads out, and every way that goes out for one that does not come back;
 * so where links may be followed inside the root, what it refuses is looked at
 * once more: where it is in the end, by /proc, and then opened by that path,
 * on which no link is left. Where openat2(2) is missing, no link is followed
 * but by `symlinks = "follow"`.
 */
#include "worker/handler/static/below.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"

enum { BELOW_TRIES = 32 }; /* while the tree is being changed */

static atomic_bool is_missing; /* openat2(2) */

/* As openat2(2), with ENOSYS for a filter that denies it, too. */
static int open_resolved(int root, const char *name, int flags, uint64_t resolve)
{
	struct open_how how = {.flags = (uint64_t)flags,
			       .resolve = resolve | RESOLVE_NO_MAGICLINKS};
	int fd = -1;

	errno = ENOSYS;
	/* EAGAIN: something was renamed somewhere while it looked at a "..";
	 * openat2(2) asks us to try again. */
	for (int i = 0; i < BELOW_TRIES && !is_missing; i++) {
		fd = (int)syscall(SYS_openat2, root, name, &how, sizeof(how));
		if (fd >= 0 || errno != EAGAIN)
			break;
	}
	if (fd == -1 && errno == ENOSYS)
		is_missing = true;
	if (fd == -1 && (errno == EPERM || errno == EAGAIN))
		errno = ENOSYS;
	return fd;
}

/*
 * Where openat2(2) is missing (before Linux 5.6, or denied by a filter): one
 * component after the other, following no symbolic link at all.
 */
static int open_by_steps(int root, struct str path, int flags)
{
	int at = root, fd = -1;
	char name[NAME_MAX + 1];

	while (path.p != NULL) {
		struct str part = str_cut(&path, '/');
		bool last = path.p == NULL;

		if (part.n >= sizeof(name)) {
			errno = ENAMETOOLONG;
			fd = -1;
		} else {
			memcpy(name, part.p, part.n);
			name[part.n] = '\0';
			fd = openat(at, name[0] ? name : ".",
				    O_NOFOLLOW | (last ? flags
						       : O_PATH | O_DIRECTORY |
								  O_CLOEXEC));
		}
		if (at != root)
			fd_close(&at);
		if (fd == -1)
			return -1;
		at = fd;
	}
	return fd;
}

/* Where what is open is now; false where /proc does not say. */
static bool place_of(int fd, char text[PATH_MAX], struct str *place_out)
{
	char link[64];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, text, PATH_MAX - 1);

	if (n <= 0 || text[0] != '/')
		return false;
	text[n] = '\0';
	*place_out = (struct str){text, (size_t)n};
	return true;
}

/* The path of `place` below `root`, of which it is cut off; false when it is
 * not there. */
static bool is_below(struct str root, struct str *place)
{
	if (str_equal(root, STR("/")))
		root.n = 0;
	if (!str_starts_with(*place, root))
		return false;
	*place = str_tail(*place, root.n);
	if (place->n > 0 && place->p[0] != '/')
		return false;
	*place = str_tail(*place, 1);
	return true;
}

/* Whether the path itself leads up, and not a link. */
static bool has_dots(struct str path)
{
	while (path.p != NULL)
		if (str_equal(str_cut(&path, '/'), STR("..")))
			return true;
	return false;
}

/* What the kernel refused because a link leads out, if it comes back. */
static int open_by_place(int root, const char *name, int flags)
{
	char root_text[PATH_MAX], text[PATH_MAX];
	struct str root_place, place;
	int fd;

	if (has_dots(str_of(name))) {
		errno = EXDEV;
		return -1;
	}
	fd = open_resolved(root, name, O_PATH | O_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	bool is_there = place_of(fd, text, &place) &&
			place_of(root, root_text, &root_place) &&
			is_below(root_place, &place);

	fd_close(&fd);
	if (!is_there) {
		errno = EXDEV;
		return -1;
	}
	return open_resolved(root, place.n > 0 ? place.p : ".", flags,
			     RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
}

static int open_name(int root, enum conf_symlinks symlinks, const char *name,
		     int flags)
{
	int fd;

	switch (symlinks) {
	case CONF_SYMLINKS_FOLLOW:
		fd = open_resolved(root, name, flags, 0);
		if (fd == -1 && errno == ENOSYS)
			fd = openat(root, name, flags);
		return fd;
	case CONF_SYMLINKS_NONE:
		return open_resolved(root, name, flags,
				     RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
	case CONF_SYMLINKS_INSIDE:
		break;
	}
	fd = open_resolved(root, name, flags, RESOLVE_BENEATH);
	if (fd == -1 && errno == EXDEV)
		fd = open_by_place(root, name, flags);
	return fd;
}

int below_open(int root, enum conf_symlinks symlinks, struct str path, int flags)
{
	char name[PATH_MAX];

	flags |= O_CLOEXEC | (flags & O_PATH ? 0 : O_NOCTTY);
	if (path.n >= sizeof(name)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(name, path.p, path.n);
	name[path.n] = '\0';
	if (path.n == 0)
		memcpy(name, ".", 2);
	int fd = open_name(root, symlinks, name, flags);

	if (fd == -1 && errno == ENOSYS)
		fd = open_by_steps(root, path, flags);
	return fd;
}
