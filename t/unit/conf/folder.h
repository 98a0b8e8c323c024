/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A folder for the files of a test: made in the setup of a group, removed in
 * its teardown, wherever the test fails in between.
 */
#ifndef T_UNIT_CONF_FOLDER_H
#define T_UNIT_CONF_FOLDER_H

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/holdfast-conf-XXXXXX";

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) == NULL ? -1 : 0;
}

static int remove_tree(const char *path)
{
	struct dirent *entry;
	DIR *dir = opendir(path);

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		char inner[PATH_MAX];

		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(inner, sizeof(inner), "%s/%s", path, entry->d_name);
		if (unlink(inner) != 0 && remove_tree(inner) != 0)
			break;
	}
	if (dir != NULL)
		closedir(dir);
	return rmdir(path);
}

static int remove_folder(void **state)
{
	(void)state;
	return remove_tree(folder);
}

/* The path of a name in the folder; valid until the fourth call from now. */
static const char *in_folder(const char *name)
{
	static char paths[4][PATH_MAX];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, PATH_MAX, "%s/%s", folder, name);
	return path;
}

/* Writes `n` bytes to a file in the folder; returns its path. */
static const char *write_bytes(const char *name, const char *p, size_t n)
{
	const char *path = in_folder(name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
	return path;
}

#endif
