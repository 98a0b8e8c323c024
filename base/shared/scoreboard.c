/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/shared/scoreboard.h"

#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"

enum { SCOREBOARD_VERSION = 2 };

struct scoreboard *scoreboard_create(int *fd_out)
{
	struct scoreboard *board;
	int fd = memfd_create("holdfast-scoreboard", MFD_CLOEXEC);

	*fd_out = -1;
	if (fd == -1)
		return NULL;
	if (ftruncate(fd, (off_t)sizeof(*board)) == -1)
		goto fail;
	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		     0);
	if (board == MAP_FAILED)
		goto fail;
	board->version = SCOREBOARD_VERSION;
	board->slot_size = sizeof(struct slot);
	*fd_out = fd;
	return board;
fail:
	fd_close(&fd);
	return NULL;
}

void scoreboard_destroy(struct scoreboard **board)
{
	if (*board != NULL)
		munmap(*board, sizeof(**board));
	*board = NULL;
}

void counters_subtract(struct counters *from, const struct counters *before)
{
	from->accepted -= before->accepted;
	from->closed -= before->closed;
	from->requests -= before->requests;
	from->bytes_in -= before->bytes_in;
	from->bytes_out -= before->bytes_out;
	from->handed_in -= before->handed_in;
	from->handed_out -= before->handed_out;
	from->accept_pauses -= before->accept_pauses;
	from->limited -= before->limited;
	from->log_lost -= before->log_lost;
	from->temp_bodies -= before->temp_bodies;
	from->kept_for_format -= before->kept_for_format;
	from->handoff_damaged -= before->handoff_damaged;
	for (int i = 0; i < 6; i++)
		from->responses[i] -= before->responses[i];
	histogram_subtract(&from->to_head, &before->to_head);
	histogram_subtract(&from->to_answer, &before->to_answer);
	histogram_subtract(&from->to_end, &before->to_end);
	histogram_subtract(&from->total, &before->total);
}

void counters_add(struct counters *into, const struct counters *from)
{
	into->accepted += from->accepted;
	into->closed += from->closed;
	into->requests += from->requests;
	into->bytes_in += from->bytes_in;
	into->bytes_out += from->bytes_out;
	into->handed_in += from->handed_in;
	into->handed_out += from->handed_out;
	into->accept_pauses += from->accept_pauses;
	into->limited += from->limited;
	into->log_lost += from->log_lost;
	into->temp_bodies += from->temp_bodies;
	into->kept_for_format += from->kept_for_format;
	into->handoff_damaged += from->handoff_damaged;
	for (int i = 0; i < 6; i++)
		into->responses[i] += from->responses[i];
	histogram_merge(&into->to_head, &from->to_head);
	histogram_merge(&into->to_answer, &from->to_answer);
	histogram_merge(&into->to_end, &from->to_end);
	histogram_merge(&into->total, &from->total);
}
