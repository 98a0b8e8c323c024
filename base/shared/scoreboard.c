/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/shared/scoreboard.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"

enum { SCOREBOARD_VERSION = 6 };

struct scoreboard *scoreboard_create(int *fd_out)
{
	struct scoreboard *board;
	int fd = fd_open_memory("holdfast-scoreboard");

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

void shown_address_set(struct shown_address *shown, const struct addr *addr)
{
	*shown = (struct shown_address){0};
	if (addr_family(addr) == AF_INET) {
		shown->family = 4;
		memcpy(shown->ip, &addr->v4.sin_addr, 4);
	} else if (addr_family(addr) == AF_INET6) {
		shown->family = 6;
		memcpy(shown->ip, &addr->v6.sin6_addr, 16);
	}
	shown->port = addr_port(addr);
}

bool shown_address_get(const struct shown_address *shown, struct addr *addr_out)
{
	struct addr addr = {.length = 0};

	if (shown->family == 4) {
		addr.v4.sin_family = AF_INET;
		addr.v4.sin_port = htons(shown->port);
		memcpy(&addr.v4.sin_addr, shown->ip, 4);
		addr.length = sizeof(addr.v4);
	} else if (shown->family == 6) {
		addr.v6.sin6_family = AF_INET6;
		addr.v6.sin6_port = htons(shown->port);
		memcpy(&addr.v6.sin6_addr, shown->ip, 16);
		addr.length = sizeof(addr.v6);
	}
	*addr_out = addr;
	return addr.length > 0;
}

uint64_t server_health_key(struct str upstream, struct str server)
{
	uint64_t key = str_hash(upstream) * 31 + str_hash(server);

	return key != 0 ? key : 1;
}

const struct server_health *server_health_find(const struct server_health *cells,
					       uint64_t key, size_t *hint)
{
	for (size_t i = 0; i < SCOREBOARD_SERVERS; i++) {
		size_t place = (*hint + i) % SCOREBOARD_SERVERS;

		if (cells[place].key != key)
			continue;
		*hint = place;
		return &cells[place];
	}
	return NULL;
}

void scoreboard_begin(struct scoreboard *board)
{
	__atomic_store_n(&board->master.sequence, board->master.sequence + 1,
			 __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void scoreboard_end(struct scoreboard *board)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	__atomic_store_n(&board->master.sequence, board->master.sequence + 1,
			 __ATOMIC_RELEASE);
}
