/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What has to be done before an exchange that is answered can move to another
 * process in the middle of its content. A file moves as it is, and so do a few
 * KiB of memory. More memory is written into a file without a name, in `temp`.
 * Content that is made while it is sent (compressed) is made to its end: a
 * piece in each tick goes into such a file, and the client is served from its
 * front. A file may have limits.move_file bytes; content that is larger is
 * served out by the process that has it. Worker.
 */
#ifndef WORKER_HTTP_MOVING_H
#define WORKER_HTTP_MOVING_H

#include <stdbool.h>
#include <stdint.h>

struct body;
struct exchange;

enum moving {
	MOVING_READY, /* exchange_freeze() can write it */
	MOVING_SOON,  /* its content is being made: exchange_resume() is called
		       * when that is done */
	MOVING_LARGE, /* over limits.move_file, or temp is full */
	MOVING_TIED,  /* it is changed here on its way from elsewhere */
	MOVING_HELD,  /* it is not answered, or its handler makes the content
		       * while it is sent */
};

enum {
	MOVING_INLINE = 32 * 1024, /* bytes that go in a message */
};

/* Begins what has to be done, and says how far it is. */
enum moving moving_prepare(struct exchange *x);

/* How far it is, without doing anything. */
enum moving moving_state(const struct exchange *x);

/* The same for one whose body is being collected: the part that has come moves as
 * well, in a file when it is too large for a message. */
enum moving moving_prepare_body(struct exchange *x);
enum moving moving_state_of_body(const struct exchange *x);

/* The same for one that is held: the receiver begins it again, if that can
 * be and there is no more time for it here. */
enum moving moving_state_of_held(const struct exchange *x);

/* Content that is being made, or was: where in which file the part of it is
 * that was not read yet. For MOVING_READY and BODY_STREAM. */
void moving_stream(const struct body *body, int *file_out, uint64_t *offset_out,
		   uint64_t *left_out);

/* Makes the response's body the owner of a file from elsewhere, or -1 for a
 * stream that is at its end. With BODY_STREAM its content is `left` bytes of
 * it from `offset` on. */
void moving_adopt(struct exchange *x, int file, uint64_t offset, uint64_t left);

#endif
