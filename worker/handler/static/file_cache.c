/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * In this order: roots, which may be replaced while the server runs; opening a
 * path without leaving the root; variants beside a file; whether a kept file is
 * still current; and the cache, with file_cache_get(), which is the way in. Worker.
 */
#include "worker/handler/static/file_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "worker/handler/static/below.h"

enum {
	FILES_KEPT = 4096,              /* files that are kept, */
	FILES_OPEN = 1024,              /* those of them with a descriptor, */
	FILES_BYTES = 32 * 1024 * 1024, /* and content in memory */
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

static int note_root(struct file_cache *files)
{
	struct stat st;

	if (fstat(files->root, &st) == -1)
		return -1;
	files->root_dev = st.st_dev;
	files->root_ino = st.st_ino;
	return 0;
}

int file_cache_init(struct file_cache *files, const struct conf_route *route,
		    const struct mime_types *types)
{
	const struct conf_static *conf = route->settings;

	*files = (struct file_cache){
		.root = open(conf->root, O_PATH | O_DIRECTORY | O_CLOEXEC),
		.route = route,
		.conf = conf,
		.types = types,
	};
	list_init(&files->used);
	return files->root == -1 ? -1 : note_root(files);
}

bool file_cache_root_is_usable(const struct file_cache *files)
{
	/* Not faccessat(3), which calls faccessat2(2): the filters of
	 * containers may not know it. */
	int fd = openat(files->root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	bool may_enter = fd != -1;

	fd_close(&fd);
	return may_enter;
}

static void forget(struct file_cache *files, struct file *file)
{
	map_remove(&files->by_path, &file->node);
	list_remove(&file->used);
	kept.files -= file_count(file);
	kept.open -= file_descriptors(file);
	kept.bytes -= file_bytes(file);
	file_release(file);
}

static void forget_oldest(struct file_cache *files)
{
	forget(files, CONTAINER_OF(files->used.next, struct file, used));
}

bool file_cache_expire(struct file_cache *files, uint64_t now)
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

void file_cache_fini(struct file_cache *files)
{
	while (!list_is_empty(&files->used))
		forget_oldest(files);
	map_fini(&files->by_path);
	fd_close(&files->root);
}

/* Takes the directory that the path of the root names now for the root. The
 * number of the descriptor stays: the thread that lists may be using it. */
static void change_root(struct file_cache *files)
{
	const char *path = files->conf->root;
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd == -1 || faccessat(fd, ".", X_OK, AT_EACCESS) == -1 ||
	    dup3(fd, files->root, O_CLOEXEC) == -1 || note_root(files) == -1) {
		log_errno(LOG_LEVEL_WARN,
			  "root \"%s\" is another directory now, which cannot be "
			  "opened; the one before is served",
			  path);
		fd_close(&fd);
		return;
	}
	fd_close(&fd);
	while (!list_is_empty(&files->used))
		forget_oldest(files);
	log_info("root \"%s\" is another directory now", path);
}

/* A root that is missing may be coming back: what it was is served meanwhile. */
static void check_root(struct file_cache *files, uint64_t now)
{
	const char *path = files->conf->root;
	bool was_missing = files->root_is_missing;
	struct stat st;

	files->root_checked_at = now;
	files->root_is_missing = stat(path, &st) == -1;
	if (files->root_is_missing && !was_missing)
		log_errno(LOG_LEVEL_WARN,
			  "cannot find root \"%s\"; the directory that it was "
			  "is served",
			  path);
	else if (!files->root_is_missing &&
		 (st.st_dev != files->root_dev || st.st_ino != files->root_ino))
		change_root(files);
}

int file_cache_open(const struct file_cache *files, struct str path, int flags)
{
	return below_open(files->root, (enum conf_symlinks)files->conf->symlinks,
			  path, flags);
}

static int open_to_read(const struct file_cache *files, struct str path)
{
	/* O_NONBLOCK: opening a FIFO must not wait for its writer. */
	return file_cache_open(files, path, O_RDONLY | O_NONBLOCK);
}

static enum file_cache_result failure(struct file_cache *files, struct str path)
{
	files->failed = path;
	files->error = errno;
	switch (errno) {
	case ELOOP: /* a link that may not be followed */
	case EXDEV:
	case ENOENT:
	case ENOTDIR:
	case ENAMETOOLONG:
	case ENXIO: /* a socket */
	case ENODEV:
	case EINVAL: /* a name that this file system cannot have */
	case EILSEQ:
		return FILE_CACHE_MISSING;
	case EACCES:
	case EPERM:
		return FILE_CACHE_DENIED;
	default:
		return FILE_CACHE_FAILED;
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

static void open_variants(const struct file_cache *files, struct file *file)
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

static enum file_cache_result open_file(struct file_cache *files, struct str path,
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
		return failure(files, path);
	if (fstat(fd, &st) == -1) {
		fd_close(&fd);
		return failure(files, path);
	}
	if (!S_ISREG(st.st_mode)) {
		files->failed = path;
		files->error = S_ISDIR(st.st_mode) ? EISDIR : 0;
		fd_close(&fd);
		return S_ISDIR(st.st_mode) ? FILE_CACHE_DIRECTORY
					   : FILE_CACHE_MISSING;
	}
	struct file *file = file_create(fd, &st, path);

	file->checked_at = file->used_at = now;
	open_variants(files, file);
	file_describe(file, files->route, mime_type_of(files->types, path));
	*file_out = file;
	return FILE_CACHE_OK;
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

static bool are_variants_fresh(const struct file_cache *files,
			       const struct file *file)
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

bool file_cache_is_current(struct file *file, uint64_t now)
{
	struct stat st;

	/* The requests of a tick share one look, which costs a hundredth of
	 * sending 100 KiB. */
	if (file->fd == -1 || file->looked_at == now)
		return true;
	if (fstat(file->fd, &st) == -1 || !is_same(&st, &file->st))
		return false;
	file->looked_at = now;
	return true;
}

/* True when what the path names now is what we have open. A file that is
 * the same one needs no second look at how the path got there. */
static bool is_fresh(const struct file_cache *files, struct file *file,
		     uint64_t now)
{
	struct stat st;

	if (now - file->checked_at < FILES_FRESH)
		return file_cache_is_current(file, now);
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
static void keep_bounds(struct file_cache *files)
{
	while (!list_is_empty(&files->used) &&
	       (kept.files > FILES_KEPT || kept.open > FILES_OPEN ||
		kept.bytes > FILES_BYTES))
		forget_oldest(files);
}

void file_cache_count_more(struct file_cache *files, const struct file *file,
			   uint64_t n)
{
	if (list_is_empty(&file->used))
		return; /* it is not kept */
	kept.bytes += n;
	keep_bounds(files);
}

static void remember(struct file_cache *files, struct file *file)
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

enum file_cache_result file_cache_get_again(struct file_cache *files,
					    struct file **file, uint64_t now)
{
	struct file *before = *file;

	if (!list_is_empty(&before->used))
		forget(files, before);
	enum file_cache_result result =
		open_file(files, before->node.key, now, file);

	if (result == FILE_CACHE_OK)
		remember(files, *file);
	else
		files->failed = STR(""); /* its path goes with it */
	file_release(before);
	return result;
}

enum file_cache_result file_cache_get(struct file_cache *files, struct str path,
				      uint64_t now, struct file **file_out)
{
	if (now - files->root_checked_at >= FILES_FRESH)
		check_root(files, now);

	struct map_node *node = map_find(&files->by_path, path);

	if (node != NULL) {
		struct file *file = CONTAINER_OF(node, struct file, node);

		if (is_fresh(files, file, now)) {
			list_remove(&file->used);
			list_append(&files->used, &file->used);
			file->used_at = now;
			file->holders++;
			*file_out = file;
			return FILE_CACHE_OK;
		}
		forget(files, file);
	}
	enum file_cache_result result = open_file(files, path, now, file_out);

	if (result == FILE_CACHE_OK)
		remember(files, *file_out);
	return result;
}
