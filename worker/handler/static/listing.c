/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First the half of a job that runs in the thread (reading a directory), then
 * the half that runs in the loop: beginning one, answering with the page,
 * cancelling. Worker.
 */
#include "worker/handler/static/listing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/codec/weight.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/offload.h"
#include "worker/handler/static/listing_json.h"
#include "worker/handler/static/listing_page.h"
#include "worker/http/failure.h"

enum {
	LISTING_JOBS = 64,      /* requests that wait for their page */
	LISTING_END_MS = 10000, /* for the one that is running at the end */
};

#define TOO_MANY "too many listings wait already"

/* One page that is being made. */
struct listing_job {
	struct job job;
	struct exchange *x; /* NULL when its exchange was cancelled */
	const struct file_cache *files;
	struct str path; /* of the directory, below the root */
	struct arena arena;
	struct listing listing;
	struct listing_text page;
	bool is_json; /* that is what is asked for, not HTML */
	int error;    /* errno */
	atomic_bool is_cancelled;
};

static struct {
	struct offload offload;
	unsigned users;
	bool is_over; /* one of them has gone, and the others will */
	bool is_idle; /* then: the thread has ended */
} lister;

void listing_open(struct loop *loop)
{
	if (lister.users++ == 0)
		offload_init(&lister.offload, loop, "listing", LISTING_JOBS);
}

bool listing_close(void)
{
	ASSERT(lister.users > 0);
	if (!lister.is_over) {
		lister.is_idle =
			offload_fini(&lister.offload, OFFLOAD_DROP, LISTING_END_MS);
		if (!lister.is_idle)
			log_warn("a directory is still being read");
	}
	lister.is_over = --lister.users > 0;
	return lister.is_idle;
}

/* In the thread. */

/* What a link leads to, when it may be followed and is there. */
static bool look_through_link(const struct listing_job *j, struct str name,
			      struct stat *st_out)
{
	struct arena scratch = {0};
	struct str path = arena_printf(&scratch, "%" STR_FMT "%" STR_FMT,
				       STR_ARG(j->path), STR_ARG(name));
	int fd = file_cache_open(j->files, path, O_PATH);
	bool is_there = fd != -1 && fstat(fd, st_out) == 0;

	fd_close(&fd);
	arena_fini(&scratch);
	return is_there;
}

/* False for what cannot be served. */
static bool look_at(const struct listing_job *j, int directory, const char *name,
		    struct stat *st_out)
{
	if (fstatat(directory, name, st_out, AT_SYMLINK_NOFOLLOW) == -1)
		return false;
	if (S_ISLNK(st_out->st_mode) && !look_through_link(j, str_of(name), st_out))
		return false;
	return S_ISREG(st_out->st_mode) || S_ISDIR(st_out->st_mode);
}

static void add_entry(struct listing_job *j, size_t *room, const char *name,
		      const struct stat *st)
{
	struct listing *listing = &j->listing;

	if (listing->n == *room) {
		*room = *room == 0 ? 64 : 2 * *room;
		listing->entries = mem_resize(listing->entries,
					      *room * sizeof(*listing->entries));
	}
	listing->entries[listing->n++] = (struct listing_entry){
		.name = arena_copy(&j->arena, str_of(name)),
		.is_directory = S_ISDIR(st->st_mode),
		.size = (uint64_t)st->st_size,
		.modified = st->st_mtim.tv_sec,
	};
}

static void read_entries(struct listing_job *j, DIR *directory)
{
	size_t room = 0;
	struct dirent *entry;

	while (errno = 0, (entry = readdir(directory)) != NULL) {
		struct stat st;

		if (j->is_cancelled) {
			j->error = ECANCELED;
			return;
		}
		if (entry->d_name[0] == '.' ||
		    !look_at(j, dirfd(directory), entry->d_name, &st))
			continue;
		if (j->listing.n == LISTING_MAX) {
			j->listing.is_cut = true;
			return;
		}
		add_entry(j, &room, entry->d_name, &st);
	}
	j->error = errno;
}

static void work(struct job *job)
{
	struct listing_job *j = CONTAINER_OF(job, struct listing_job, job);
	int fd = file_cache_open(j->files, j->path, O_RDONLY | O_DIRECTORY);
	DIR *directory = fd == -1 ? NULL : fdopendir(fd);

	if (directory == NULL) {
		j->error = errno;
		fd_close(&fd);
		return;
	}
	read_entries(j, directory);
	closedir(directory);
	if (j->error != 0)
		return;
	listing_sort(&j->listing);
	if (j->is_json)
		listing_json_render(&j->listing, &j->page);
	else
		listing_render(&j->listing, &j->page);
}

/* In the loop. */

static void destroy(struct listing_job *j)
{
	free(j->listing.entries);
	free(j->page.p);
	arena_fini(&j->arena);
	free(j);
}

static void release(void *job)
{
	destroy(job);
}

static void on_cancel(struct exchange *x)
{
	struct listing_job *j = x->holder;

	j->x = NULL;
	j->is_cancelled = true;
	if (offload_cancel(&lister.offload, &j->job))
		destroy(j);
}

static unsigned status_of(int error)
{
	switch (error) {
	case ENOENT:
	case ENOTDIR:
	case ELOOP:
	case EXDEV:
		return 404;
	case EACCES:
	case EPERM:
		return 403;
	default:
		return 503;
	}
}

/* The best weight of a media type in the Accept fields (RFC 9110 section 12.5.1),
 * which names it. */
static int weight_of(const struct exchange *x, struct str type)
{
	int best = WEIGHT_UNSAID;

	for (size_t i = 0; i < x->request.n_fields; i++) {
		const struct field *field = &x->request.fields[i];
		int weight;

		if (!str_equal_nocase(field->name, STR("accept")))
			continue;
		weight = weight_in(field->value, type);
		best = weight > best ? weight : best;
	}
	return best;
}

/* Only a client that names JSON gets it; no browser does. */
static bool wants_json(const struct exchange *x)
{
	int weight = weight_of(x, STR("application/json"));

	return weight > WEIGHT_NEVER && weight > weight_of(x, STR("text/html"));
}

static void answer_page(struct exchange *x, struct listing_job *j)
{
	struct fields *fields = &x->response.fields;

	x->response.status = 200;
	fields_add(fields, &x->arena, STR("Vary"), STR("Accept"));
	if (!j->is_json)
		fields_add(fields, &x->arena, STR("Content-Security-Policy"),
			   STR("default-src 'none'; style-src 'unsafe-inline'"));
	exchange_set_bytes(x,
			   j->is_json ? STR("application/json")
				      : STR("text/html; charset=utf-8"),
			   (struct str){j->page.p, j->page.n});
	x->response.body.owner = j;
	x->response.body.release = release;
	exchange_answer(x);
}

static enum failure_kind kind_of(const struct listing_job *j, unsigned status)
{
	if (j->job.dropped)
		return FAILURE_LIMITED;
	return status == 403   ? FAILURE_PERMISSION
	       : status == 404 ? FAILURE_MISSING
			       : FAILURE_SYSTEM;
}

static void set_failure(struct exchange *x, const struct listing_job *j,
			unsigned status)
{
	failure_set(x, kind_of(j, status), "list %s: %s",
		    failure_path(x, j->files->conf->root, j->path),
		    j->job.dropped ? TOO_MANY : strerror(j->error));
}

static void done(struct job *job)
{
	struct listing_job *j = CONTAINER_OF(job, struct listing_job, job);
	struct exchange *x = j->x;

	if (x != NULL)
		x->ends_with_peer = false;
	unsigned status = job->dropped ? 503 : status_of(j->error);

	if (x != NULL && j->error == 0 && !job->dropped) {
		answer_page(x, j);
		return;
	}
	if (x != NULL)
		set_failure(x, j, status);
	destroy(j);
	if (x != NULL)
		exchange_answer_error(x, status);
}

void listing_answer(struct exchange *x, const struct file_cache *files,
		    struct str path)
{
	struct listing_job *j = mem_zalloc(1, sizeof(*j));

	j->job.work = work;
	j->job.done = done;
	j->job.client = endpoint_client(&x->peer);
	j->x = x;
	j->files = files;
	j->path = arena_copy(&j->arena, path);
	j->listing.path = arena_copy(&j->arena, x->request.path);
	j->listing.view = listing_view_of(x->request.query);
	j->is_json = wants_json(x);
	if (!offload_submit(&lister.offload, &j->job)) {
		destroy(j);
		failure_set(x, FAILURE_LIMITED, "list %s: %s",
			    failure_path(x, files->conf->root, path), TOO_MANY);
		exchange_answer_error(x, 503);
		return;
	}
	x->ends_with_peer = true; /* no work for clients that are gone */
	exchange_hold(x, on_cancel, j);
}
