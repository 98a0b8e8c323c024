/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * multipart/form-data (RFC 7578 on RFC 2046 section 5.1), read out of a body
 * that is there as a whole, in memory or mapped. What frames the parts is read
 * strictly: lines end in CRLF, and the last boundary is there. A line that begins
 * with the boundary and goes on is content. What is odd about a part concerns
 * that part alone: one whose header has no end (in MULTIPART_HEAD_MAX bytes) or
 * which has no Content-Disposition of form-data with a name is passed over; of
 * what is there twice the first counts; lines of its header that are no fields,
 * and parameters that are malformed, are passed over. Content-Transfer-Encoding
 * (RFC 7578 section 4.7) is not undone. What stands before the first delimiter
 * and after the last is ignored, as RFC 2046 section 5.1.1 wants it.
 *
 * The body is looked at once, from the front, and as far at a time as the
 * caller wants: it may be large. Pure, no memory of its own.
 */
#ifndef BASE_CODEC_MULTIPART_H
#define BASE_CODEC_MULTIPART_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

enum {
	MULTIPART_BOUNDARY_MAX = 70, /* RFC 2046 section 5.1.1 */
	MULTIPART_HEAD_MAX = 8192,   /* bytes of a part's header */
	MULTIPART_BLANKS_MAX = 256,  /* behind a boundary */
};

struct multipart_part {
	/* Decoded; they stay until the next part is read. In quotes, '\"' and
	 * '\\' stand for '"' and '\', and any other '\' for itself; "%22",
	 * "%0D" and "%0A" are what browsers make of '"', CR and LF (WHATWG
	 * HTML, "multipart/form-data encoding algorithm"), and every other
	 * "%" is itself. A '\' before the last quote is itself, too. */
	struct str name;
	/* filename, or filename* where it is UTF-8 (RFC 8187); only what
	 * follows its last "/" or "\" (RFC 7578 section 4.2); p == NULL: the
	 * part is not a file. */
	struct str filename;

	struct str type;    /* Content-Type as sent; p == NULL when none is */
	struct str content; /* in the body */
};

enum multipart_state {
	MULTIPART_PREAMBLE,
	MULTIPART_DELIMITER, /* `rest` begins behind a boundary */
	MULTIPART_CONTENT,   /* of `part`, from the CRLF before it */
	MULTIPART_STOPPED,
};

/* Embedded, by multipart_init(). */
struct multipart {
	enum multipart_state state;
	struct str rest; /* of the body */
	size_t searched; /* bytes of it that are known to have no delimiter */
	size_t budget;   /* how many may be looked at yet: the caller's */
	const char *why; /* a static sentence, after MULTIPART_BAD */
	char delimiter[4 + MULTIPART_BOUNDARY_MAX]; /* CRLF "--" boundary */
	size_t delimiter_size;
	struct multipart_part part;
	bool is_odd;                   /* `part` is passed over */
	size_t n_odd;                  /* how many were */
	char text[MULTIPART_HEAD_MAX]; /* its names */
};

enum multipart_result {
	MULTIPART_PART, /* *part_out is the next one */
	MULTIPART_MORE, /* `budget` is used up: set it and go on */
	MULTIPART_END,  /* the last part is read */
	MULTIPART_BAD,  /* see `why`; do not go on */
};

/*
 * Begins with `body`, whose Content-Type is `type`, of multipart/form-data,
 * and a budget for all of it. False, with `why` set, when it does not have one
 * boundary that can be used.
 */
bool multipart_init(struct multipart *m, struct str type, struct str body)
	__attribute__((warn_unused_result));

enum multipart_result multipart_next(struct multipart *m,
				     struct multipart_part *part_out)
	__attribute__((warn_unused_result));

#endif
