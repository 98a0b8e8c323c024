/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker/handler/static/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"

enum {
	FILES_KEPT = 4096,              /* files that are kept, */
	FILES_OPEN = 1024,              /* those of them with a descriptor, */
	FILES_BYTES = 32 * 1024 * 1024, /* and content in memory */
	FILES_TRIES = 32,               /* while the tree is being changed */
};
#define FILES_FRESH   NS_PER_S         /* as long as one is not looked at again */
#define FILES_UNUSED  (5 * NS_PER_S)   /* as long as it is kept */
#define FILES_SETTLED (50 * NS_PER_MS) /* after a change: see is_settled() */

/* By all roots of this process. */
static struct {
	size_t files;
	size_t open;
	uint64_t bytes;
} kept;

/* Suffixes of files that lie beside others, compressed. */
static const struct str suffixes[CONF_CODINGS] = {
	[CONF_CODING_ZSTD] = STR_INIT(".zst"),
	[CONF_CODING_BR] = STR_INIT(".br"),
	[CONF_CODING_GZIP] = STR_INIT(".gz"),
};

int files_init(struct files *files, const struct conf_route *route,
	       const struct mime_types *types)
{
	const struct conf_static *conf = route->settings;

	*files = (struct files){
		.root = open(conf->root, O_PATH | O_DIRECTORY | O_CLOEXEC),
		.route = route,
		.conf = conf,
		.types = types,
	};
	list_init(&files->used);
	return files->root == -1 ? -1 : 0;
}

bool files_root_is_usable(const struct files *files)
{
	/* Not faccessat(3), which calls faccessat2(2): the filters of
	 * containers may not know it. */
	int fd = openat(files->root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	bool may_enter = fd != -1;

	fd_close(&fd);
	return may_enter;
}

static void forget(struct files *files, struct file *file)
{
	map_remove(&files->by_path, &file->node);
	list_remove(&file->used);
	kept.files -= file_count(file);
	kept.open -= file_descriptors(file);
	kept.bytes -= file_bytes(file);
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

int files_open(const struct files *files, struct str path, int flags)
{
	static atomic_bool no_openat2;
	struct open_how how = {.resolve = RESOLVE_NO_MAGICLINKS};
	int symlinks = files->conf->symlinks;
	char name[PATH_MAX];

	flags |= O_CLOEXEC | (flags & O_PATH ? 0 : O_NOCTTY);
	how.flags = (uint64_t)flags;

	if (path.n >= sizeof(name)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(name, path.p, path.n);
	name[path.n] = '\0';
	if (path.n == 0)
		memcpy(name, ".", 2);
	if (symlinks == CONF_SYMLINKS_FOLLOW)
		return openat(files->root, name, flags);
	how.resolve |= RESOLVE_BENEATH;
	if (symlinks == CONF_SYMLINKS_NONE)
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
	return open_by_steps(files->root, path, flags);
}

static int open_to_read(const struct files *files, struct str path)
{
	/* O_NONBLOCK: opening a FIFO must not wait for its writer. */
	return files_open(files, path, O_RDONLY | O_NONBLOCK);
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
			log_client_errno(LOG_LEVEL_WARN, "cannot open %" STR_FMT,
					 STR_ARG(path));
		files->complained_at = now;
		return FILES_FAILED;
	}
}

/* The file beside `path` that holds it in a coding; in `name`. */
static bool name_variant(struct str path, enum conf_coding coding,
			 char name[PATH_MAX], struct str *name_out)
{
	struct str suffix = suffixes[coding];

	if (path.n + suffix.n >= PATH_MAX)
		return false;
	memcpy(name, path.p, path.n);
	memcpy(name + path.n, suffix.p, suffix.n + 1);
	*name_out = (struct str){name, path.n + suffix.n};
	return true;
}

/* One that is older may be of what the file was before. Whole seconds count:
 * not every tool that keeps the time of a file keeps more of it. */
static bool is_variant(const struct stat *variant, const struct stat *st)
{
	return S_ISREG(variant->st_mode) &&
	       variant->st_mtim.tv_sec >= st->st_mtim.tv_sec;
}

static void open_variants(const struct files *files, struct file *file)
{
	const struct conf_codings *codings = &files->conf->precompressed;

	for (size_t i = 0; i < codings->n; i++) {
		char text[PATH_MAX];
		struct str name;
		struct stat st;

		if (!name_variant(file->node.key, codings->items[i], text, &name))
			continue;
		int fd = open_to_read(files, name);

		if (fd == -1)
			continue;
		if (fstat(fd, &st) == 0 && is_variant(&st, &file->st))
			file_add_variant(file, codings->items[i],
					 file_create(fd, &st, name));
		else
			fd_close(&fd);
	}
}

static enum files_result open_file(struct files *files, struct str path,
				   uint64_t now, struct file **file_out)
{
	struct stat st;
	int fd = open_to_read(files, path);

	if (fd == -1 && (errno == EMFILE || errno == ENFILE) &&
	    !list_is_empty(&files->used)) {
		while (!list_is_empty(&files->used)) /* ours, for a start */
			forget_oldest(files);
		fd = open_to_read(files, path);
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
	struct file *file = file_create(fd, &st, path);

	file->checked_at = file->used_at = now;
	open_variants(files, file);
	file_describe(file, files->route, mime_type_of(files->types, path));
	*file_out = file;
	return FILES_OK;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev &&
	       a->st_size == b->st_size && a->st_mode == b->st_mode &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	       a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static bool are_variants_fresh(const struct files *files, const struct file *file)
{
	const struct conf_codings *codings = &files->conf->precompressed;

	for (size_t i = 0; i < codings->n; i++) {
		const struct file *variant = file->variants[codings->items[i]];
		char text[PATH_MAX];
		struct str name;
		struct stat st;

		if (!name_variant(file->node.key, codings->items[i], text, &name))
			continue;
		bool is_there = fstatat(files->root, text, &st, 0) == 0 &&
				is_variant(&st, &file->st);

		if (is_there != (variant != NULL) ||
		    (is_there && !is_same(&st, &variant->st)))
			return false;
	}
	return true;
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
	       is_same(&st, &file->st) && are_variants_fresh(files, file);
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

/* The least used go when it is too much. */
static void keep_bounds(struct files *files)
{
	while (!list_is_empty(&files->used) &&
	       (kept.files > FILES_KEPT || kept.open > FILES_OPEN ||
		kept.bytes > FILES_BYTES))
		forget_oldest(files);
}

void files_count_more(struct files *files, const struct file *file, uint64_t n)
{
	if (list_is_empty(&file->used))
		return; /* it is not kept */
	kept.bytes += n;
	keep_bounds(files);
}

static void remember(struct files *files, struct file *file)
{
	if (!is_settled(&file->st))
		return;
	for (size_t i = 0; i < CONF_CODINGS; i++)
		if (file->variants[i] != NULL &&
		    !is_settled(&file->variants[i]->st))
			return;
	map_put(&files->by_path, &file->node);
	list_append(&files->used, &file->used);
	kept.files += file_count(file);
	kept.open += file_descriptors(file);
	kept.bytes += file_bytes(file);
	file->holders++;
	keep_bounds(files);
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
