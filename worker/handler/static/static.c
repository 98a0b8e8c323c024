/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Serves `root` plus what follows the route's own path. A directory is its
 * index file, and without the trailing slash a redirect to the path with it.
 * How a path stays below the root is in file_cache.c. Worker.
 */
#include "worker/handler/static/static.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/codec/date.h"
#include "base/codec/uri.h"
#include "base/loop.h"
#include "base/mem.h"
#include "conf/schema/conf_static.h"
#include "worker/handler/static/file_cache.h"
#include "worker/handler/static/listing.h"
#include "worker/http/exchange.h"
#include "worker/http/failure.h"
#include "worker/http/http.h"
#include "worker/http/policy/compress.h"
#include "worker/http/router.h"
#include "worker/http/tools/codings.h"
#include "worker/http/tools/conditions.h"
#include "worker/http/tools/ranges.h"
#include "worker/http/variables.h"

struct static_root {
	const struct conf_route *route;
	const struct conf_static *conf;
	struct loop *loop;
	struct file_cache files;
	struct timer expiry; /* armed while files are kept */
	bool was_asked;      /* since it was armed */
	bool lists;          /* has called listing_open() */
};

enum {
	STATIC_EXPIRY_MS = 1000,
	/* The fields that are asked about at once. */
	CONDITIONAL = 1u << FIELD_IF_MATCH | 1u << FIELD_IF_NONE_MATCH |
		      1u << FIELD_IF_MODIFIED_SINCE |
		      1u << FIELD_IF_UNMODIFIED_SINCE,
};

static void on_expiry(struct timer *timer)
{
	struct static_root *root = CONTAINER_OF(timer, struct static_root, expiry);

	/* No request for files has come lately: a worker at rest keeps none
	 * open. */
	uint64_t now = root->was_asked ? root->loop->now : UINT64_MAX;

	root->was_asked = false;
	if (file_cache_expire(&root->files, now))
		loop_timer(root->loop, timer, STATIC_EXPIRY_MS);
}

static void static_destroy(void *instance)
{
	struct static_root *root = instance;

	timer_detach(&root->loop->timers, &root->expiry);
	if (root->lists && !listing_close())
		return; /* it is looked at until the process ends */
	file_cache_fini(&root->files);
	free(root);
}

static void *static_create(struct http *http, const struct conf_route *route,
			   const char **why_out)
{
	struct static_root *root = mem_zalloc(1, sizeof(*root));

	root->route = route;
	root->conf = route->settings;
	root->loop = http->loop;
	timer_init(&root->expiry, on_expiry);
	if (file_cache_init(&root->files, route, http->mime_types) == -1) {
		*why_out = arena_printf(&http->arena, "cannot open root \"%s\": %s",
					root->conf->root, strerror(errno))
				   .p;
		static_destroy(root);
		return NULL;
	}
	if (root->conf->listing) {
		listing_open(http->loop);
		root->lists = true;
	}
	return root;
}

static bool static_check(struct http *http, void *instance, const char **why_out)
{
	const struct static_root *root = instance;

	if (file_cache_root_is_usable(&root->files))
		return true;
	*why_out = arena_printf(&http->arena,
				"the workers may not enter root \"%s\": %s",
				root->conf->root, strerror(errno))
			   .p;
	return false;
}

static void release(void *file)
{
	file_release(file);
}

/* What the file is in a coding that we compress it to; or NULL. Parts are of
 * the file as it is. */
static struct file *get_compressed(struct static_root *root,
				   const struct exchange *x, struct file *file)
{
	const struct conf_codings *codings = &root->route->common.compress;
	enum conf_coding coding;
	uint64_t before = file_bytes(file);

	if (!file->is_compressible || request_has(&x->request, FIELD_RANGE) ||
	    !codings_choose(&x->request, codings, ~0u, &coding))
		return NULL;
	struct file *compressed = file_compressed(file, coding, root->route);

	file_cache_count_more(&root->files, file, file_bytes(file) - before);
	return compressed;
}

/* The file itself, or what it is in the coding that the client likes best. */
static struct file *choose_variant(struct static_root *root,
				   const struct exchange *x, struct file *file)
{
	enum conf_coding coding;

	if (file->has_variants != 0 &&
	    codings_choose(&x->request, &root->conf->precompressed,
			   file->has_variants, &coding))
		return file->variants[coding];
	struct file *compressed = get_compressed(root, x, file);

	return compressed != NULL ? compressed : file;
}

static void add_expires(const struct static_root *root, struct exchange *x)
{
	char date[HTTP_DATE_SIZE];

	if (root->conf->expires == 0)
		return;
	http_date_format(time(NULL) + (time_t)(root->conf->expires / 1000), date);
	fields_add(&x->response.fields, &x->arena, STR("Expires"),
		   (struct str){date, sizeof(date)});
}

/* The response has content of `file`, of which `x` holds `held`. */
static void set_content(struct exchange *x, struct file *file, struct file *held)
{
	x->response.status = 200;
	x->response.prepared = &file->fields;
	x->response.body = (struct body){
		.kind = file->content.p != NULL ? BODY_BYTES : BODY_FILE,
		.bytes = file->content,
		.file = file->fd,
		.length = file->content.p != NULL ? file->content.n
						  : (uint64_t)file->st.st_size,
		.owner = held,
		.release = release,
	};
}

/* A file that is compressed while it is sent. */
struct keeping {
	struct static_root *root;
	struct file *file, *compressed;
};

static void keep_compressed(void *context, struct str content)
{
	struct keeping *k = context;

	if (k->compressed->content.p != NULL)
		return; /* another exchange was first */
	k->compressed->content = arena_copy(&k->compressed->arena, content);
	file_cache_count_more(&k->root->files, k->file, content.n);
}

static void set_compressed_content(struct static_root *root, struct exchange *x,
				   struct file *compressed, struct file *held)
{
	struct keeping *k = arena_alloc(&x->arena, sizeof(*k));
	struct compress_keeper keeper = {
		.max = FILE_COMPRESSED, .keep = keep_compressed, .context = k};

	*k = (struct keeping){root, held, compressed};
	set_content(x, held, held);
	if (compress_body(x, compressed->coding, &keeper))
		x->response.prepared = &compressed->fields;
}

static bool is_range_there(struct exchange *x, struct file *file)
{
	return !request_has(&x->request, FIELD_RANGE) ||
	       !conditions_allow_range(x, &file->validators) ||
	       ranges_apply(x, file->type, &file->untyped) != RANGES_NONE;
}

static void answer_with(struct static_root *root, struct exchange *x,
			struct file *file, struct file *held)
{
	x->response.is_coded = true;
	if (file->content.p == NULL && file->fd == -1)
		set_compressed_content(root, x, file, held);
	else
		set_content(x, file, held);
	if (!is_range_there(x, file)) {
		failure_set(x, FAILURE_CONDITION, "no such range in %ju bytes",
			    (uintmax_t)file->st.st_size);
		exchange_answer_error(x, 416);
		return;
	}
	add_expires(root, x);
	exchange_answer(x);
}

static void answer_not_modified(const struct static_root *root, struct exchange *x,
				struct file *file, struct file *held)
{
	x->response.status = 304;
	x->response.prepared = &file->not_modified;
	x->response.body = (struct body){.owner = held, .release = release};
	add_expires(root, x);
	exchange_answer(x);
}

static void answer_failure(struct static_root *root, struct exchange *x,
			   enum file_cache_result result);

/* Takes over what we hold of the file. */
static void answer_file(struct static_root *root, struct exchange *x,
			struct file *held)
{
	enum conditions_result result = CONDITIONS_MET;
	struct file *file = held;

	if (request_has(&x->request, FIELD_ACCEPT_ENCODING))
		file = choose_variant(root, x, held);
	/* The file itself was looked at before. */
	if (file != held && !file_cache_is_current(file, root->loop->now)) {
		enum file_cache_result again =
			file_cache_get_again(&root->files, &held, root->loop->now);

		if (again != FILE_CACHE_OK) {
			answer_failure(root, x, again);
			return;
		}
		file = choose_variant(root, x, held);
	}

	root->was_asked = true;
	if (!timer_is_armed(&root->expiry))
		loop_timer(root->loop, &root->expiry, STATIC_EXPIRY_MS);
	if (x->request.known & CONDITIONAL)
		result = conditions_check(x, &file->validators);
	switch (result) {
	case CONDITIONS_MET:
		answer_with(root, x, file, held);
		break;
	case CONDITIONS_NOT_MODIFIED:
		answer_not_modified(root, x, file, held);
		break;
	case CONDITIONS_FAILED:
		file_release(held);
		failure_set(x, FAILURE_CONDITION,
			    "If-Match or If-Unmodified-Since does not hold");
		exchange_answer_error(x, 412);
		break;
	}
}

static const char *why_of(int error)
{
	switch (error) {
	case 0:
		return "neither a regular file nor a directory";
	case ELOOP:
	case EXDEV:
		return "a symbolic link that \"symlinks\" does not allow";
	default:
		return strerror(error);
	}
}

/* What could not be opened, or not be used. */
static void set_failure(struct static_root *root, struct exchange *x,
			enum failure_kind kind, const char *before)
{
	const struct file_cache *files = &root->files;
	struct str path = files->failed;

	if (path.n == 0)
		path = route_rest(x->route, x->request.path);
	failure_set(x, kind, "%sopen %s: %s", before,
		    failure_path(x, root->conf->root, path), why_of(files->error));
}

static void answer_failure(struct static_root *root, struct exchange *x,
			   enum file_cache_result result)
{
	switch (result) {
	case FILE_CACHE_DENIED:
		set_failure(root, x, FAILURE_PERMISSION, "");
		exchange_answer_error(x, 403);
		break;
	case FILE_CACHE_DIRECTORY: /* without an index: nothing to show */
		failure_set(x, FAILURE_DENIED,
			    "%s: a directory without an index file, and "
			    "\"listing\" is off",
			    failure_path(x, root->conf->root, root->files.failed));
		exchange_answer_error(x, 403);
		break;
	case FILE_CACHE_FAILED:
		set_failure(root, x, FAILURE_SYSTEM, "");
		exchange_answer_error(x, 503);
		break;
	default:
		set_failure(root, x, FAILURE_MISSING, "");
		exchange_answer_error(x, 404);
	}
}

/* RFC 3986: relative references in the index need the slash. The path is
 * encoded again, and begins with one slash: never "//host". */
static void add_slash(struct exchange *x)
{
	struct str path = x->request.path, query = x->request.query;
	char *text = arena_bytes(&x->arena, 3 * path.n);

	path = (struct str){text, uri_encode(path, URI_PATH, text)};
	exchange_answer_redirect(
		x, 301,
		arena_printf(&x->arena, "%" STR_FMT "/%s%" STR_FMT, STR_ARG(path),
			     query.p != NULL ? "?" : "", STR_ARG(query)));
}

static enum file_cache_result get_index(struct static_root *root,
					struct exchange *x, struct str path,
					struct file **file_out)
{
	const struct conf_strings *index = &root->conf->index;

	for (size_t i = 0; i < index->n; i++) {
		struct str name = index->items[i];
		char *text = arena_bytes(&x->arena, path.n + name.n);

		if (path.n > 0)
			memcpy(text, path.p, path.n);
		memcpy(text + path.n, name.p, name.n);
		enum file_cache_result result = file_cache_get(
			&root->files, (struct str){text, path.n + name.n},
			root->loop->now, file_out);

		if (result != FILE_CACHE_MISSING)
			return result;
	}
	return FILE_CACHE_MISSING;
}

/* There is no index: is there a directory at all? */
static enum file_cache_result look_at_directory(struct static_root *root,
						struct str path)
{
	struct file *file;
	enum file_cache_result result =
		file_cache_get(&root->files, path, root->loop->now, &file);

	if (result != FILE_CACHE_OK)
		return result;
	file_release(file); /* a file, just now: it has no slash at its end */
	return FILE_CACHE_MISSING;
}

/* The index of a directory, or FILE_CACHE_DIRECTORY when it has none. */
static enum file_cache_result get_directory(struct static_root *root,
					    struct exchange *x, struct str path,
					    struct file **file_out)
{
	enum file_cache_result result = get_index(root, x, path, file_out);

	return result == FILE_CACHE_MISSING ? look_at_directory(root, path)
					    : result;
}

/* What was found for a directory, by file_cache_get() or get_directory(). */
static void answer_directory(struct static_root *root, struct exchange *x,
			     struct str path)
{
	if (!str_ends_with(x->request.path, STR("/")))
		add_slash(x);
	else if (root->conf->listing)
		listing_answer(x, &root->files, path);
	else
		answer_failure(root, x, FILE_CACHE_DIRECTORY);
}

/* What a template gave may have come from anywhere. Without ".." nothing in it
 * leads up, and a NUL would end it early. */
static bool is_harmless(struct str path)
{
	if (path.n == 0)
		return true;
	if (memchr(path.p, '\0', path.n) != NULL)
		return false;
	while (path.p != NULL)
		if (str_equal(str_cut(&path, '/'), STR("..")))
			return false;
	return true;
}

/* True when what is tried answers. */
static bool try_path(struct static_root *root, struct exchange *x, struct str path)
{
	bool wants_directory = path.n == 0 || path.p[path.n - 1] == '/';
	struct file *file = NULL;
	enum file_cache_result result =
		wants_directory ? get_directory(root, x, path, &file)
				: file_cache_get(&root->files, path,
						 root->loop->now, &file);

	if (result == FILE_CACHE_OK && wants_directory &&
	    !str_ends_with(x->request.path, STR("/"))) {
		file_release(file);
		add_slash(x);
	} else if (result == FILE_CACHE_OK) {
		answer_file(root, x, file);
	} else if (result == FILE_CACHE_DIRECTORY) {
		if (!wants_directory || !root->conf->listing)
			return false;
		answer_directory(root, x, path);
	} else if (result == FILE_CACHE_MISSING) {
		return false;
	} else {
		answer_failure(root, x, result);
	}
	return true;
}

static void answer_try(struct static_root *root, struct exchange *x)
{
	const struct conf_try *try = &root->conf->try;

	root->files.failed = STR("");
	for (size_t i = 0; i < try->n; i++) {
		struct str path;

		if (!template_evaluate(&try->items[i], x, ESCAPE_NONE, &path) ||
		    !is_harmless(path))
			continue;
		while (path.n > 0 && path.p[0] == '/')
			path = str_tail(path, 1);
		if (try_path(root, x, path))
			return;
	}
	if (root->files.failed.n == 0)
		failure_set(x, FAILURE_MISSING, "nothing of \"try\" can be opened");
	else
		set_failure(root, x, FAILURE_MISSING,
			    "nothing of \"try\" is there, the last: ");
	exchange_answer_error(x, try->status != 0 ? try->status : 404);
}

static void static_answer(struct exchange *x, void *instance)
{
	struct static_root *root = instance;
	struct str path = route_rest(x->route, x->request.path);

	if (root->conf->try.n > 0 || root->conf->try.status != 0) {
		answer_try(root, x);
		return;
	}
	if (path.n > 0 && path.p[0] == '/')
		path = str_tail(path, 1);
	struct file *file;
	enum file_cache_result result =
		str_ends_with(x->request.path, STR("/"))
			? get_directory(root, x, path, &file)
			: file_cache_get(&root->files, path, root->loop->now,
					 &file);

	if (result == FILE_CACHE_OK)
		answer_file(root, x, file);
	else if (result == FILE_CACHE_DIRECTORY)
		answer_directory(root, x, path);
	else
		answer_failure(root, x, result);
}

const struct handler static_handler = {
	.name = "static",
	.restarts = true,
	.create = static_create,
	.destroy = static_destroy,
	.check = static_check,
	.answer = static_answer,
};
