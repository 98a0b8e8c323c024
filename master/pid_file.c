/* SPDX-License-Identifier: BSD-2-Clause */
#include "master/pid_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"

void pid_file_leave(char **current)
{
	FILE *file = *current != NULL ? fopen(*current, "re") : NULL;
	int pid = 0;

	if (file != NULL) {
		if (fscanf(file, "%d", &pid) == 1 && pid == (int)getpid())
			unlink(*current); /* the other has another */
		fclose(file);
	}
	free(*current);
	*current = NULL;
}

void pid_file_move(char **current, const char *path)
{
	if (*current != NULL && strcmp(*current, path) == 0)
		return;
	if (*current != NULL)
		unlink(*current);
	free(*current);
	*current = NULL;
	if (path[0] == '\0')
		return;
	FILE *file = fopen(path, "we");

	if (file == NULL || fprintf(file, "%d\n", (int)getpid()) < 0 ||
	    fflush(file) == EOF)
		log_errno(LOG_LEVEL_ERROR, "cannot write pid_file %s", path);
	else
		*current = mem_strdup(path);
	if (file != NULL)
		fclose(file);
}
