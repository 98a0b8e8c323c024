/* SPDX-License-Identifier: BSD-2-Clause */
#include "master/notify.h"

#include <inttypes.h>

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

void notify_init(struct notify *notify, struct loop *loop)
{
	uint64_t usec = 0;

	*notify = (struct notify){.loop = loop};
	timer_init(&notify->watchdog, on_watchdog);
	if (sd_watchdog_enabled(0, &usec) <= 0)
		return;
	/* Half of the time, as sd_watchdog_enabled(3) advises. */
	notify->watchdog_ms = usec / 2000 > 0 ? usec / 2000 : 1;
	loop_timer(loop, &notify->watchdog, notify->watchdog_ms);
}

void notify_fini(struct notify *notify)
{
	timer_detach(&notify->loop->timers, &notify->watchdog);
}

void notify_ready(const char *status)
{
	sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}

void notify_reloading(const char *status)
{
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\nSTATUS=%s",
		   (uint64_t)(clock_read() / NS_PER_US), status);
}

void notify_main_pid(int pid, const char *status)
{
	sd_notifyf(0, "MAINPID=%d\nSTATUS=%s", pid, status);
}

void notify_stopping(const char *status, uint64_t most_ms)
{
	/* However short TimeoutStopSec= is: see systemd.service(5). */
	sd_notifyf(0, "STOPPING=1\nEXTEND_TIMEOUT_USEC=%" PRIu64 "\nSTATUS=%s",
		   (uint64_t)(most_ms * 1000), status);
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

void notify_init(struct notify *notify, struct loop *loop)
{
	*notify = (struct notify){.loop = loop};
}

void notify_fini(struct notify *notify)
{
	(void)notify;
}

void notify_ready(const char *status)
{
	(void)status;
}

void notify_reloading(const char *status)
{
	(void)status;
}

void notify_main_pid(int pid, const char *status)
{
	(void)pid;
	(void)status;
}

void notify_stopping(const char *status, uint64_t most_ms)
{
	(void)status;
	(void)most_ms;
}

int notify_inherited_fds(int *first_out)
{
	*first_out = 3;
	return 0;
}

#endif
