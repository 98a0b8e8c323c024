/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * In this order: the life of an open file and its compressed variants, its
 * validators and other prepared fields, its content in memory, and its
 * description, which puts these together. Worker.
 */
#include "worker/handler/static/file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/codec/date.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/schema/conf_static.h"
#include "worker/handler/static/version.h"
#include "worker/http/policy/compress.h"

struct file *file_create(int fd, const struct stat *st, struct str path)
{
	struct file *file = mem_zalloc(1, sizeof(*file));

	file->fd = fd;
	file->st = *st;
	file->holders = 1;
	list_init(&file->used);
	file->node.key = arena_copy(&file->arena, path);
	return file;
}

void file_release(struct file *file)
{
	ASSERT(file->holders > 0);
	if (--file->holders > 0)
		return;
	for (size_t i = 0; i < CONF_CODINGS; i++) {
		if (file->variants[i] != NULL)
			file_release(file->variants[i]);
		if (file->compressed[i] != NULL)
			file_release(file->compressed[i]);
	}
	fd_close(&file->fd);
	arena_fini(&file->arena);
	free(file);
}

void file_add_variant(struct file *file, enum conf_coding coding,
		      struct file *variant)
{
	file->variants[coding] = variant;
	file->has_variants |= 1u << coding;
}

unsigned file_count(const struct file *file)
{
	return 1 + (unsigned)__builtin_popcount(file->has_variants);
}

unsigned file_descriptors(const struct file *file)
{
	unsigned n = file->fd != -1;

	for (size_t i = 0; i < CONF_CODINGS; i++)
		n += file->variants[i] != NULL && file->variants[i]->fd != -1;
	return n;
}

uint64_t file_bytes(const struct file *file)
{
	uint64_t n = file->content.n;

	for (size_t i = 0; i < CONF_CODINGS; i++) {
		if (file->variants[i] != NULL)
			n += file->variants[i]->content.n;
		if (file->compressed[i] != NULL)
			n += file->compressed[i]->content.n;
	}
	return n;
}

static void add(struct file *file, struct str name, struct str value)
{
	fields_add(&file->fields, &file->arena, name, value);
}

/* How a representation came to be. */
enum origin {
	ORIGIN_FILE,       /* as it lies there */
	ORIGIN_VARIANT,    /* compressed, in a file of its own */
	ORIGIN_COMPRESSED, /* compressed here: another version of the library
			    * may make other bytes */
};

/* `coding` is "" for the file as it is. */
static void make_validators(struct file *file, enum origin origin,
			    struct str coding)
{
	time_t now = time(NULL), modified = file->st.st_mtim.tv_sec;

	file->validators.etag = arena_printf(
		&file->arena, "%s\"%" STR_FMT "%s%" STR_FMT "\"",
		origin == ORIGIN_COMPRESSED ? "W/" : "", STR_ARG(file->version),
		origin == ORIGIN_FILE ? "" : "-", STR_ARG(coding));
	/* RFC 9110 section 8.8.2.1: never later than the response. */
	file->validators.modified = !version_has_date(&file->st) ? 0
				    : modified < now             ? modified
								 : now;
}

static void add_cache_control(struct file *file, const struct conf_static *conf)
{
	if (conf->cache_control[0] != '\0')
		add(file, STR("Cache-Control"), str_of(conf->cache_control));
	else if (conf->expires > 0)
		add(file, STR("Cache-Control"),
		    arena_printf(&file->arena, "max-age=%" PRIu64,
				 conf->expires / 1000));
}

/* What a 304 has too (RFC 9110 section 15.4.5) comes first. */
static void make_fields(struct file *file, const struct conf_route *route,
			enum origin origin, struct str coding, bool varies)
{
	char date[HTTP_DATE_SIZE];

	make_validators(file, origin, coding);
	add(file, STR("ETag"), file->validators.etag);
	add_cache_control(file, route->settings);
	if (varies)
		add(file, STR("Vary"), STR("Accept-Encoding"));
	file->not_modified = file->fields;
	if (file->validators.modified != 0) {
		http_date_format(file->validators.modified, date);
		add(file, STR("Last-Modified"), (struct str){date, sizeof(date)});
	}
	if (origin != ORIGIN_COMPRESSED)
		add(file, STR("Accept-Ranges"), STR("bytes"));
	if (origin != ORIGIN_FILE)
		add(file, STR("Content-Encoding"), coding);
	file->untyped = file->fields;
	add(file, STR("Content-Type"), file->type);
}

/* The content of a small file, in memory, if it is as long as it says. */
static void read_content(struct file *file)
{
	size_t size = (size_t)file->st.st_size, n = 0;
	char *content;
	ssize_t got;

	if (file->st.st_size > FILE_CONTENT)
		return;
	content = arena_bytes(&file->arena, size + 1);
	while ((got = pread(file->fd, content + n, size + 1 - n, (off_t)n)) > 0)
		n += (size_t)got;
	if (got == -1 || n != size)
		return; /* it is being written: send it from the file */
	file->content = (struct str){content, size};
	fd_close(&file->fd); /* nothing more is read from it */
}

static void load_content(struct file *file)
{
	read_content(file);
	file->version =
		version_tag(&file->arena, &file->st, file->content, file->fd);
}

/* Text says its charset where one is set and the type has none. */
static struct str full_type(struct file *file, const struct conf_static *conf,
			    struct str type)
{
	if (conf->charset[0] == '\0' || !str_starts_with(type, STR("text/")) ||
	    memchr(type.p, ';', type.n) != NULL)
		return type;
	return arena_printf(&file->arena, "%" STR_FMT "; charset=%s", STR_ARG(type),
			    conf->charset);
}

static bool is_compressible(const struct file *file, const struct conf_route *route)
{
	const struct conf_static *conf = route->settings;

	return route->common.compress.n > 0 &&
	       compress_wants(&route->common, file->type,
			      (uint64_t)file->st.st_size) &&
	       !compress_is_forbidden(str_of(conf->cache_control));
}

void file_describe(struct file *file, const struct conf_route *route,
		   struct str type)
{
	file->type = full_type(file, route->settings, type);
	file->is_compressible = is_compressible(file, route);
	bool varies = file->has_variants != 0 || file->is_compressible;

	load_content(file);
	make_fields(file, route, ORIGIN_FILE, STR(""), varies);
	for (size_t i = 0; i < CONF_CODINGS; i++) {
		struct file *variant = file->variants[i];

		if (variant == NULL)
			continue;
		variant->type = file->type;
		load_content(variant);
		make_fields(variant, route, ORIGIN_VARIANT, conf_coding_names[i],
			    varies);
	}
}

struct file *file_compressed(struct file *file, enum conf_coding coding,
			     const struct conf_route *route)
{
	struct file *variant = file->compressed[coding];

	if (variant != NULL || file->incompressible & 1u << coding)
		return variant;
	variant = file_create(-1, &file->st, file->node.key);
	if (file->content.p != NULL &&
	    !compress_bytes(coding, file->content, &variant->arena,
			    &variant->content)) {
		file->incompressible |= 1u << coding;
		file_release(variant);
		return NULL;
	}
	variant->version = file->version;
	variant->coding = coding;
	variant->type = file->type;
	make_fields(variant, route, ORIGIN_COMPRESSED, conf_coding_names[coding],
		    true);
	file->compressed[coding] = variant;
	return variant;
}
