/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker/net/cohort.h"

#include "worker/net/conn.h"

/* Those that follow gain less than they wait, and lose the caches of data. */
enum { COHORT_MOST = 16 };

static void run_all(struct list *conns)
{
	while (!list_is_empty(conns))
		conn_run(CONTAINER_OF(conns->next, struct conn, ready));
}

/* One after the other: whoever is closed here may wake any other, which is in
 * another list then. */
static void push_all(struct cohort *cohort)
{
	while (!list_is_empty(&cohort->writers)) {
		struct conn *c =
			CONTAINER_OF(cohort->writers.next, struct conn, ready);

		list_remove(&c->ready);
		list_append(&cohort->written, &c->ready);
		conn_push(c);
	}
	(void)loop_read_clock(cohort->loop);
}

void cohort_run(struct cohort *cohort)
{
	cohort->n = 0;
	LIST_EACH (link, &cohort->members)
		conn_fill(CONTAINER_OF(link, struct conn, ready));
	run_all(&cohort->members);
	if (!list_is_empty(&cohort->writers)) {
		push_all(cohort);
		cohort->has_written = true;
		run_all(&cohort->written);
		cohort->has_written = false;
	}
	task_cancel(&cohort->task);
}

static void on_task(struct task *task)
{
	cohort_run(CONTAINER_OF(task, struct cohort, task));
}

void cohort_init(struct cohort *cohort, struct loop *loop)
{
	*cohort = (struct cohort){.loop = loop};
	list_init(&cohort->members);
	list_init(&cohort->writers);
	list_init(&cohort->written);
	task_init(&cohort->task, on_task);
}

void cohort_join(struct cohort *cohort, struct conn *c)
{
	list_remove(&c->ready);
	list_append(&cohort->members, &c->ready);
	if (++cohort->n == COHORT_MOST)
		cohort_run(cohort);
	else
		loop_put_off(cohort->loop, &cohort->task);
}

bool cohort_write(struct cohort *cohort, struct conn *c)
{
	if (cohort->has_written)
		return false;
	list_remove(&c->ready);
	list_append(&cohort->writers, &c->ready);
	loop_put_off(cohort->loop, &cohort->task);
	return true;
}
