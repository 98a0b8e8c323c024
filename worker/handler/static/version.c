/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker/handler/static/version.h"

#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/siphash.h"

enum {
	DAY = 24 * 60 * 60,
	EPOCH_OF_ARCHIVES = 315532800, /* 1980-01-01, of FAT and zip */
};

bool version_has_date(const struct stat *st)
{
	time_t t = st->st_mtim.tv_sec;

	/* An archive has the local time: a day to either side. */
	return t > DAY &&
	       (t < EPOCH_OF_ARCHIVES - DAY || t > EPOCH_OF_ARCHIVES + DAY);
}

/* The same key everywhere: no two machines are to differ. */
static uint64_t hash(struct str content)
{
	static const struct siphash_key key = {
		{0x686f6c6466617374, 0x76657273696f6e}};

	return siphash(&key, content);
}

/* False when it is not as long as it says: it is being written. */
static bool read_whole(int fd, char *text, size_t size)
{
	size_t n = 0;
	ssize_t got;

	while (n < size && (got = pread(fd, text + n, size - n, (off_t)n)) > 0)
		n += (size_t)got;
	return n == size;
}

static bool hash_file(int fd, size_t size, uint64_t *hash_out)
{
	char *text = mem_alloc(size);
	bool is_read = read_whole(fd, text, size);

	if (is_read)
		*hash_out = hash((struct str){text, size});
	free(text);
	return is_read;
}

static uint64_t nanoseconds(struct timespec t)
{
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

struct str version_tag(struct arena *arena, const struct stat *st,
		       struct str content, int fd)
{
	uintmax_t size = (uintmax_t)st->st_size;
	uintmax_t modified = nanoseconds(st->st_mtim);
	uint64_t hashed;

	if (version_has_date(st))
		return arena_printf(arena, "%jx-%jx", modified, size);
	if (content.p != NULL)
		return arena_printf(arena, "h%016jx-%jx", (uintmax_t)hash(content),
				    size);
	if (size > 0 && size <= VERSION_HASHED_MAX &&
	    hash_file(fd, (size_t)size, &hashed))
		return arena_printf(arena, "h%016jx-%jx", (uintmax_t)hashed, size);
	return arena_printf(arena, "%jx-%jx-%jx-%jx", modified, size,
			    (uintmax_t)st->st_ino,
			    (uintmax_t)nanoseconds(st->st_ctim));
}
