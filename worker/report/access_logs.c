/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker/report/access_logs.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "worker/http/http.h"
#include "worker/http/router.h"
#include "worker/http/variables.h"

static bool has_own(const struct conf_site *site)
{
	if (site->common.log != NULL)
		return true;
	for (size_t i = 0; i < site->n_routes; i++)
		if (site->routes[i].common.log != NULL)
			return true;
	return false;
}

void access_logs_init(struct access_logs *logs, struct loop *loop, const int *fds,
		      const struct conf *conf, struct counters *counters)
{
	size_t n = conf->log_targets.n;

	*logs = (struct access_logs){.conf = conf,
				     .items = mem_zalloc(n, sizeof(*logs->items))};
	for (size_t i = 0; i < n; i++)
		access_log_init(&logs->items[i], loop, fds[i],
				conf->log_targets.items[i].p, counters);
	for (size_t i = 0; i < conf->n_sites; i++)
		logs->is_common |= has_own(&conf->sites[i]);
}

/* Those of the route or site, where they have their own. */
static const struct conf_access_logs *logs_of(const struct access_logs *logs,
					      const struct exchange *x)
{
	const struct conf_common *common = NULL;

	if (logs->is_common && x->stream == NULL) /* a stream has no site */
		common = router_common(&x->http->router, x->request.host, x->route);
	return common != NULL && common->log != NULL ? &common->log->access
						     : &logs->conf->log.access;
}

static bool is_wanted(const struct conf_access_log *log, struct exchange *x)
{
	struct str left;

	for (size_t i = 0; i < log->when.n; i++)
		if (!template_evaluate(&log->when.items[i].left, x, ESCAPE_NONE,
				       &left) ||
		    !condition_holds(&log->when.items[i], left))
			return false;
	return true;
}

void access_logs_add(struct access_logs *logs, struct exchange *x)
{
	const struct conf_access_logs *wanted = logs_of(logs, x);

	for (size_t i = 0; i < wanted->n; i++) {
		const struct conf_access_log *log = &wanted->items[i];

		if (!log->is_off && is_wanted(log, x))
			access_log_add(&logs->items[log->target], log, x);
	}
}

void access_logs_reopen(struct access_logs *logs, size_t target, int fd)
{
	if (logs->items != NULL && target < logs->conf->log_targets.n)
		access_log_reopen(&logs->items[target], fd);
	else
		close(fd);
}

bool access_logs_fini(struct access_logs *logs, uint64_t ms)
{
	uint64_t end = clock_read() + ms * NS_PER_MS;
	bool done = true;

	for (size_t i = 0; logs->items != NULL && i < logs->conf->log_targets.n;
	     i++)
		access_log_flush(&logs->items[i]);
	for (size_t i = 0; logs->items != NULL && i < logs->conf->log_targets.n;
	     i++) {
		uint64_t now = clock_read();

		done &= access_log_fini(&logs->items[i],
					now < end ? (end - now) / NS_PER_MS : 0);
	}
	if (done)
		free(logs->items);
	return done;
}
