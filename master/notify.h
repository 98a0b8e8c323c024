/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the service manager is told and gives: sd_notify(3), the watchdog,
 * sockets. Does nothing where holdfast does not run under systemd, or was
 * built without libsystemd. Master.
 */
#ifndef MASTER_NOTIFY_H
#define MASTER_NOTIFY_H

#include <stdbool.h>

#include "base/loop.h"

struct notify {
	struct loop *loop;
	struct timer watchdog;
	uint64_t watchdog_ms; /* between two beats; 0 for none */
};

void notify_init(struct notify *notify, struct loop *loop);
void notify_fini(struct notify *notify);

/* Each with the STATUS= line that systemctl shows. */
void notify_ready(const char *status);
void notify_reloading(const char *status);
/* Another process is the main one now. */
void notify_main_pid(int pid, const char *status);
/* `most_ms`: as long as it may take from now. */
void notify_stopping(const char *status, uint64_t most_ms);

/* How many listening sockets we were given, and the first. */
int notify_inherited_fds(int *first_out);

#endif
