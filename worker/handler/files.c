/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker/handler/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "worker/codec/date.h"

enum {
	FILES_OPEN = 512,              /* files that are kept */
	FILES_CONTENT = 16 * 1024,     /* the largest that is kept in memory */
	FILES_BYTES = 8 * 1024 * 1024, /* of content in memory */
	FILES_TRIES = 32,              /* while the tree is being changed */
};
#define FILES_FRESH   NS_PER_S         /* as long as one is not looked at again */
#define FILES_UNUSED  (5 * NS_PER_S)   /* as long as it is kept */
#define FILES_SETTLED (50 * NS_PER_MS) /* after a change: see is_settled() */

/* By all roots of this process. */
static struct {
	size_t files;
	uint64_t bytes;
} kept;

int files_init(struct files *files, const char *root, enum conf_symlinks symlinks,
	       const struct mime_types *types)
{
	*files = (struct files){
		.root = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC),
		.symlinks = symlinks,
		.types = types,
	};
	list_init(&files->used);
	return files->root == -1 ? -1 : 0;
}

bool files_root_is_usable(const struct files *files)
{
	return faccessat(files->root, ".", X_OK, AT_EACCESS) == 0;
}

void file_release(struct file *file)
{
	ASSERT(file->holders > 0);
	if (--file->holders > 0)
		return;
	fd_close(&file->fd);
	arena_fini(&file->arena);
	free(file);
}

static void forget(struct files *files, struct file *file)
{
	map_remove(&files->by_path, &file->node);
	list_remove(&file->used);
	kept.files--;
	kept.bytes -= file->content.n;
	file_release(file);
}

static void forget_oldest(struct files *files)
{
	forget(files, CONTAINER_OF(files->used.next, struct file, used));
}

bool files_expire(struct files *files, uint64_t now)
{
	while (!list_is_empty(&files->used)) {
		struct file *oldest =
			CONTAINER_OF(files->used.next, struct file, used);

		if (now - oldest->used_at < FILES_UNUSED)
			return true;
		forget(files, oldest);
	}
	return false;
}

void files_fini(struct files *files)
{
	while (!list_is_empty(&files->used))
		forget_oldest(files);
	map_fini(&files->by_path);
	fd_close(&files->root);
}

static int flags_for(void)
{
	/* O_NONBLOCK: opening a FIFO must not wait for its writer. */
	return O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
}

/*
 * Where openat2(2) is missing (before Linux 5.6, or denied by a filter): one
 * component after the other, following no symbolic link at all.
 */
static int open_by_steps(int root, struct str path)
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
				    O_NOFOLLOW | (last ? flags_for()
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

static int open_below(const struct files *files, struct str path)
{
	static bool no_openat2;
	struct open_how how = {.flags = (uint64_t)flags_for(),
			       .resolve = RESOLVE_NO_MAGICLINKS};
	char name[PATH_MAX];

	if (path.n >= sizeof(name)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(name, path.p, path.n);
	name[path.n] = '\0';
	if (path.n == 0)
		memcpy(name, ".", 2);
	if (files->symlinks == CONF_SYMLINKS_FOLLOW)
		return openat(files->root, name, flags_for());
	how.resolve |= RESOLVE_BENEATH;
	if (files->symlinks == CONF_SYMLINKS_NONE)
		how.resolve |= RESOLVE_NO_SYMLINKS;
	/* EAGAIN: something was renamed somewhere while it looked at a "..";
	 * openat2(2) asks us to try again. */
	for (int i = 0; i < FILES_TRIES && !no_openat2; i++) {
		int fd = (int)syscall(SYS_openat2, files->root, name, &how,
				      sizeof(how));

		if (fd >= 0 ||
		    (errno != ENOSYS && errno != EPERM && errno != EAGAIN))
			return fd;
		if (errno == EPERM)
			break;
		no_openat2 = errno == ENOSYS;
	}
	return open_by_steps(files->root, path);
}

static enum files_result failure(struct files *files, struct str path, uint64_t now)
{
	switch (errno) {
	case ENOENT:
	case ENOTDIR:
	case ELOOP: /* a link that must not be followed */
	case EXDEV: /* out of the root: openat2(2), RESOLVE_BENEATH */
	case ENAMETOOLONG:
	case ENXIO: /* a socket */
	case ENODEV:
	case EINVAL: /* a name that this file system cannot have */
	case EILSEQ:
		return FILES_MISSING;
	case EACCES:
	case EPERM:
		return FILES_DENIED;
	default:
		if (files->complained_at == 0 ||
		    now - files->complained_at > NS_PER_S)
			log_errno(LOG_LEVEL_WARN, "cannot open %" STR_FMT,
				  STR_ARG(path));
		files->complained_at = now;
		return FILES_FAILED;
	}
}

static void make_validators(struct file *file)
{
	time_t now = time(NULL), modified = file->st.st_mtim.tv_sec;

	file->validators.etag = arena_printf(
		&file->arena, "\"%jx-%jx\"",
		(uintmax_t)((uint64_t)file->st.st_mtim.tv_sec * NS_PER_S +
			    (uint64_t)file->st.st_mtim.tv_nsec),
		(uintmax_t)file->st.st_size);
	/* RFC 9110 section 8.8.2.1: never later than the response. */
	file->validators.modified = modified < now ? modified : now;
}

/* What a 304 has too (RFC 9110 section 15.4.5) comes first. */
static void make_fields(struct file *file, struct str type)
{
	char date[HTTP_DATE_SIZE];

	make_validators(file);
	http_date_format(file->validators.modified, date);
	fields_add(&file->fields, &file->arena, STR("ETag"), file->validators.etag);
	file->not_modified = file->fields;
	fields_add(&file->fields, &file->arena, STR("Last-Modified"),
		   (struct str){date, sizeof(date)});
	fields_add(&file->fields, &file->arena, STR("Accept-Ranges"), STR("bytes"));
	file->type = type;
	file->untyped = file->fields;
	fields_add(&file->fields, &file->arena, STR("Content-Type"), type);
}

/* The content of a small file, in memory, if it is as long as it says. */
static void load_content(struct file *file)
{
	size_t size = (size_t)file->st.st_size, n = 0;
	char *content;
	ssize_t got;

	if (file->st.st_size > FILES_CONTENT)
		return;
	content = arena_bytes(&file->arena, size + 1);
	while ((got = pread(file->fd, content + n, size + 1 - n, (off_t)n)) > 0)
		n += (size_t)got;
	if (got == -1 || n != size)
		return; /* it is being written: send it from the file */
	file->content = (struct str){content, size};
	fd_close(&file->fd);
}

static enum files_result open_file(struct files *files, struct str path,
				   uint64_t now, struct file **file_out)
{
	struct stat st;
	int fd = open_below(files, path);

	if (fd == -1 && (errno == EMFILE || errno == ENFILE) &&
	    !list_is_empty(&files->used)) {
		while (!list_is_empty(&files->used)) /* ours, for a start */
			forget_oldest(files);
		fd = open_below(files, path);
	}
	if (fd == -1)
		return failure(files, path, now);
	if (fstat(fd, &st) == -1) {
		fd_close(&fd);
		return failure(files, path, now);
	}
	if (!S_ISREG(st.st_mode)) {
		fd_close(&fd);
		return S_ISDIR(st.st_mode) ? FILES_DIRECTORY : FILES_MISSING;
	}
	struct file *file = mem_zalloc(1, sizeof(*file));

	file->fd = fd;
	file->st = st;
	file->holders = 1;
	file->checked_at = file->used_at = now;
	list_init(&file->used);
	file->node.key = arena_copy(&file->arena, path);
	make_fields(file, mime_type_of(files->types, path));
	load_content(file);
	*file_out = file;
	return FILES_OK;
}

/* True when what the path names now is what we have open. A file that is
 * the same one needs no second look at how the path got there. */
static bool is_fresh(const struct files *files, struct file *file, uint64_t now)
{
	struct stat st;

	if (now - file->checked_at < FILES_FRESH)
		return true;
	file->checked_at = now;
	return fstatat(files->root, file->node.key.p, &st, 0) == 0 &&
	       st.st_ino == file->st.st_ino && st.st_dev == file->st.st_dev &&
	       st.st_size == file->st.st_size && st.st_mode == file->st.st_mode &&
	       st.st_mtim.tv_sec == file->st.st_mtim.tv_sec &&
	       st.st_mtim.tv_nsec == file->st.st_mtim.tv_nsec &&
	       st.st_ctim.tv_sec == file->st.st_ctim.tv_sec &&
	       st.st_ctim.tv_nsec == file->st.st_ctim.tv_nsec;
}

/* The clock of file systems is coarse: a file that was changed a moment ago
 * may change again and look the same. Such a one is not kept. */
static bool is_settled(const struct stat *st)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	uint64_t wall = (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
	uint64_t changed = (uint64_t)st->st_ctim.tv_sec * NS_PER_S +
			   (uint64_t)st->st_ctim.tv_nsec;

	return wall > changed + FILES_SETTLED;
}

static void remember(struct files *files, struct file *file)
{
	if (!is_settled(&file->st))
		return;
	map_put(&files->by_path, &file->node);
	list_append(&files->used, &file->used);
	kept.files++;
	kept.bytes += file->content.n;
	file->holders++;
	while (!list_is_empty(&files->used) &&
	       (kept.files > FILES_OPEN || kept.bytes > FILES_BYTES))
		forget_oldest(files);
}

enum files_result files_get(struct files *files, struct str path, uint64_t now,
			    struct file **file_out)
{
	struct map_node *node = map_find(&files->by_path, path);

	if (node != NULL) {
		struct file *file = CONTAINER_OF(node, struct file, node);

		if (is_fresh(files, file, now)) {
			list_remove(&file->used);
			list_append(&files->used, &file->used);
			file->used_at = now;
			file->holders++;
			*file_out = file;
			return FILES_OK;
		}
		forget(files, file);
	}
	enum files_result result = open_file(files, path, now, file_out);

	if (result == FILES_OK)
		remember(files, *file_out);
	return result;
}
