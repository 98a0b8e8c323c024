/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The service manager: sd_notify(3), its watchdog, its sockets. Does nothing
 * where holdfast does not run under systemd, or was built without libsystemd.
 * The STATUS= line that systemctl shows is always the state of the server, and
 * the last request that failed until one succeeds. Master.
 */
#ifndef MASTER_NOTIFY_H
#define MASTER_NOTIFY_H

#include <stdbool.h>

#include "base/loop.h"
#include "master/why.h"

struct notify {
	struct loop *loop;
	struct timer watchdog;
	uint64_t watchdog_ms; /* between two beats; 0 for none */
	bool is_muted;        /* another process is the main one now */
	char status[WHY_SIZE];
	char failure[WHY_SIZE + 40]; /* "; last reload failed: ...", or "" */
};

void notify_init(struct notify *notify, struct loop *loop);
void notify_fini(struct notify *notify);

/* Each with the state of the server in a few words. */
void notify_ready(struct notify *notify, const char *status);
void notify_reloading(struct notify *notify, const char *status);
/* `max_ms`: as long as it may take from now. */
void notify_stopping(struct notify *notify, const char *status, uint64_t max_ms);
/* Another process is the main one now: nothing is sent after this. */
void notify_main_pid(struct notify *notify, int pid, const char *status);

/* A request failed, or was refused (`how`); and one has succeeded. */
void notify_failure(struct notify *notify, const char *verb, const char *how,
		    const char *why);
void notify_success(struct notify *notify);

/* The number of listening sockets that systemd passed, and the first. */
int notify_inherited_fds(int *first_out);

#endif
