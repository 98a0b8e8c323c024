/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker/net/batch.h"

#include "worker/net/socket.h"

/* Those that follow gain less than they wait, and lose the caches of data. */
enum { BATCH_MAX = 16 };

static struct socket *first(struct list *list)
{
	return CONTAINER_OF(list->next, struct socket, queued);
}

static void run_all(struct batch *batch, struct list *list)
{
	while (!list_is_empty(list)) {
		struct socket *s = first(list);

		list_remove(&s->queued);
		batch->current = s;
		s->owner->run(s);
	}
}

/* No code of an owner runs here: the list stays as it is. */
static void write_all(struct batch *batch)
{
	LIST_EACH (link, &batch->writers) {
		struct socket *s = CONTAINER_OF(link, struct socket, queued);

		batch->current = s;
		s->broken = socket_flush(s, s->ends) == IO_ERROR;
	}
	(void)loop_read_clock(batch->loop);
}

static void run(struct batch *batch)
{
	batch->n = 0;
	batch->n_woken = 0;
	LIST_EACH (link, &batch->ready) {
		batch->current = CONTAINER_OF(link, struct socket, queued);
		socket_read_ahead(batch->current);
	}
	batch->is_stepping = true;
	run_all(batch, &batch->ready);
	batch->is_stepping = false;
	if (!list_is_empty(&batch->writers)) {
		write_all(batch);
		batch->has_written = true;
		run_all(batch, &batch->writers);
		batch->has_written = false;
	}
	batch->current = NULL;
	task_cancel(&batch->run);
}

static void on_run(struct task *task)
{
	run(CONTAINER_OF(task, struct batch, run));
}

/* Those that go on without an event. */
static void on_next(struct task *task)
{
	struct batch *batch = CONTAINER_OF(task, struct batch, next);
	struct list now;

	list_init(&now);
	list_move_all(&now, &batch->later);
	while (!list_is_empty(&now))
		batch_join(batch, first(&now));
	run(batch);
}

void batch_init(struct batch *batch, struct loop *loop)
{
	*batch = (struct batch){.loop = loop};
	list_init(&batch->ready);
	list_init(&batch->writers);
	list_init(&batch->later);
	task_init(&batch->run, on_run);
	task_init(&batch->next, on_next);
}

void batch_join(struct batch *batch, struct socket *s)
{
	list_remove(&s->queued);
	list_append(&batch->ready, &s->queued);
	if (++batch->n == BATCH_MAX)
		run(batch);
	else
		loop_put_off(batch->loop, &batch->run);
}

void batch_join_later(struct batch *batch, struct socket *s)
{
	if (list_is_empty(&s->queued))
		list_append(&batch->later, &s->queued);
	loop_queue(batch->loop, &batch->next);
}

void batch_wake(struct batch *batch, struct socket *s)
{
	if (!batch->is_stepping || batch->n_woken == BATCH_MAX) {
		batch_join_later(batch, s);
		return;
	}
	batch->n_woken++;
	list_remove(&s->queued);
	list_append(&batch->ready, &s->queued);
}

bool batch_write(struct batch *batch, struct socket *s)
{
	if (batch->has_written)
		return false;
	list_remove(&s->queued);
	list_append(&batch->writers, &s->queued);
	loop_put_off(batch->loop, &batch->run);
	return true;
}
