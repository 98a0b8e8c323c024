/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fields behind a content in chunked coding (RFC 9110 section 6.5, RFC 9112
 * section 7.1.2), as chunked_decode_with_trailers() gives them. Pure.
 */
#ifndef BASE_CODEC_TRAILERS_H
#define BASE_CODEC_TRAILERS_H

#include <stdbool.h>

#include "base/str.h"

/* Whether a field of that name may stand there: those that frame or route a
 * message, say how its content is to be understood or what is done with it,
 * authenticate, or are of one connection only, may not (RFC 9110 section
 * 6.5.1). */
bool trailers_may_have(struct str name);

/* Takes the next line off the front of *rest, the text of a section, that is a
 * field which may stand there. False at the end. */
bool trailers_next(struct str *rest, struct str *name_out, struct str *value_out);

/* Whether the value of TE says that its sender takes trailers (RFC 9110 section
 * 10.1.4). */
bool trailers_are_taken(struct str te);

#endif
