/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs a fuzz target over every file of the directories and over the files
 * given (without any, over the corpus of its name), without libFuzzer: so a
 * compiler that has none checks the corpus. The program aborts where the target
 * does, and speaks TAP: not ok when a file could not be read or there was none.
 */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "t/fuzz/must.h"

static size_t files;

static bool complain(const char *path)
{
	fprintf(stderr, "%s: %s\n", path, strerror(errno));
	return false;
}

static bool replay_file(const char *path, size_t size)
{
	uint8_t *data = malloc(size + (size == 0));
	FILE *file = fopen(path, "rb");
	bool right =
		data != NULL && file != NULL && fread(data, 1, size, file) == size;

	if (!right)
		complain(path);
	if (file != NULL)
		fclose(file);
	if (right) {
		printf("# %s\n", path);
		fflush(stdout); /* the last one, should the target abort */
		LLVMFuzzerTestOneInput(data, size);
		files++;
	}
	free(data);
	return right;
}

static bool replay(const char *path);

static bool replay_directory(const char *path)
{
	DIR *directory = opendir(path);
	struct dirent *entry;
	bool right = true;

	if (directory == NULL)
		return complain(path);
	while ((entry = readdir(directory)) != NULL) {
		char inner[4096];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(inner, sizeof(inner), "%s/%s", path, entry->d_name);
		if (!replay(inner))
			right = false;
	}
	closedir(directory);
	return right;
}

static bool replay(const char *path)
{
	struct stat status;

	if (stat(path, &status) != 0)
		return complain(path);
	return S_ISDIR(status.st_mode) ? replay_directory(path)
				       : replay_file(path, (size_t)status.st_size);
}

int main(int argc, char **argv)
{
	char corpus[4096];

	snprintf(corpus, sizeof(corpus), "%s/%s", CORPORA,
		 program_invocation_short_name);

	bool right = argc > 1 || replay(corpus);

	for (int i = 1; i < argc; i++)
		if (!replay(argv[i]))
			right = false;
	right = right && files > 0;
	printf("1..1\n%sok 1 - %zu files went through\n", right ? "" : "not ",
	       files);
	return right ? 0 : 1;
}
