/* SPDX-License-Identifier: BSD-2-Clause */
#include "master/notify.h"

#include <inttypes.h>
#include <stdio.h>

#ifdef HAVE_LIBSYSTEMD
#include <systemd/sd-daemon.h>
#endif

#include "base/clock.h"
#include "base/log.h"

#ifdef HAVE_LIBSYSTEMD

static void on_watchdog(struct timer *timer)
{
	struct notify *notify = CONTAINER_OF(timer, struct notify, watchdog);

	sd_notify(0, "WATCHDOG=1");
	loop_timer(notify->loop, timer, notify->watchdog_ms);
}

static void start_watchdog(struct notify *notify)
{
	uint64_t usec = 0;

	timer_init(&notify->watchdog, on_watchdog);
	if (sd_watchdog_enabled(0, &usec) <= 0)
		return;
	/* Half of the time, as sd_watchdog_enabled(3) advises. */
	notify->watchdog_ms = usec / 2000 > 0 ? usec / 2000 : 1;
	loop_timer(notify->loop, &notify->watchdog, notify->watchdog_ms);
}

void notify_fini(struct notify *notify)
{
	timer_detach(&notify->loop->timers, &notify->watchdog);
}

static void send_state(const char *text)
{
	sd_notify(0, text);
}

int notify_inherited_fds(int *first_out)
{
	int n = sd_listen_fds(1);

	*first_out = SD_LISTEN_FDS_START;
	if (n < 0)
		log_warn("cannot take the sockets from systemd: errno %d", -n);
	return n > 0 ? n : 0;
}

#else

static void start_watchdog(struct notify *notify)
{
	(void)notify;
}

void notify_fini(struct notify *notify)
{
	(void)notify;
}

static void send_state(const char *text)
{
	(void)text;
}

int notify_inherited_fds(int *first_out)
{
	*first_out = 3;
	return 0;
}

#endif

void notify_init(struct notify *notify, struct loop *loop)
{
	*notify = (struct notify){.loop = loop};
	start_watchdog(notify);
}

/* `first`: the assignments before STATUS=, each with its newline. */
static void send_status(const struct notify *notify, const char *first)
{
	char text[128 + sizeof(notify->status) + sizeof(notify->failure)];

	if (notify->is_muted)
		return;
	snprintf(text, sizeof(text), "%sSTATUS=%s%s", first, notify->status,
		 notify->failure);
	send_state(text);
}

static void set_status(struct notify *notify, const char *status)
{
	snprintf(notify->status, sizeof(notify->status), "%s", status);
}

void notify_ready(struct notify *notify, const char *status)
{
	set_status(notify, status);
	send_status(notify, "READY=1\n");
}

void notify_reloading(struct notify *notify, const char *status)
{
	char first[64];

	set_status(notify, status);
	snprintf(first, sizeof(first), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\n",
		 (uint64_t)(clock_read() / NS_PER_US));
	send_status(notify, first);
}

void notify_main_pid(struct notify *notify, int pid, const char *status)
{
	char first[32];

	set_status(notify, status);
	snprintf(first, sizeof(first), "MAINPID=%d\n", pid);
	send_status(notify, first);
	notify->is_muted = true;
	timer_disarm(&notify->watchdog); /* it is not us who is watched */
}

void notify_stopping(struct notify *notify, const char *status, uint64_t max_ms)
{
	char first[80];

	/* However short TimeoutStopSec= is: see systemd.service(5). */
	set_status(notify, status);
	snprintf(first, sizeof(first),
		 "STOPPING=1\nEXTEND_TIMEOUT_USEC=%" PRIu64 "\n", max_ms * 1000);
	send_status(notify, first);
}

void notify_failure(struct notify *notify, const char *verb, const char *how,
		    const char *why)
{
	snprintf(notify->failure, sizeof(notify->failure), "; last %s %s: %s", verb,
		 how, why);
	send_status(notify, "");
}

void notify_success(struct notify *notify)
{
	notify->failure[0] = '\0';
}
