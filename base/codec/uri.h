/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Paths and queries of request targets (RFC 3986). Pure.
 */
#ifndef BASE_CODEC_URI_H
#define BASE_CODEC_URI_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

/*
 * The path of a target, decoded and normalised, done once: percent-decoding
 * of every octet but "%2F" and "%5C", which refuse the path as "\" does (two
 * readings of one path are how roots are left), then "//" made "/", "." and
 * ".." resolved. ".." above the top, "%00", a control character, an incomplete
 * or non-hexadecimal "%xx" and a path that does not begin with "/" refuse it
 * too. A trailing slash stays; "/a/." and "/a/b/.." end in one.
 * `out` has room for path.n bytes (it never grows) and may be path.p itself.
 * Returns false when the path is refused: 400.
 */
bool uri_normalise_path(struct str path, char *out, size_t *n_out)
	__attribute__((warn_unused_result));

/* The same for a path that is decoded already, and may have any octets: "//",
 * "." and ".." only. */
bool uri_remove_dot_segments(struct str path, char *out, size_t *n_out)
	__attribute__((warn_unused_result));

/*
 * Percent-decodes into `out` (room for s.n bytes; may be s.p), "+" to space
 * when `plus` is true. A "%" without two hexadecimal digits stands for
 * itself. Returns the length.
 */
size_t uri_decode(struct str s, bool plus, char *out);

/* What is encoded, and so which characters stand for themselves. */
enum uri_part {
	/* Anything, as a part of any URI: unreserved characters and "/". */
	URI_VALUE,
	/* A path that was decoded: "/" and what may stand in a segment (RFC
	 * 3986 section 3.3), where an escape of a reserved character is not
	 * the same as that character (section 2.2). */
	URI_PATH,
	/* A URI reference, or what should be one: all that may stand in it,
	 * and "%" if two hexadecimal digits follow. */
	URI_WHOLE,
};

/*
 * Percent-encodes all other characters. `out` has room for 3 * s.n bytes.
 * Returns the length.
 */
size_t uri_encode(struct str s, enum uri_part part, char *out);

/* True when `host` is a valid Host value (RFC 9110 section 7.2, RFC 3986
 * section 3.2.2) of a request for an "http" URI: reg-name, IPv4 or [IPv6], with
 * an optional ":port". Such a URI has a host that is not empty (RFC 9110 section
 * 4.2.1). */
bool uri_host_is_valid(struct str host);

/* The host without ":port", brackets kept. */
struct str uri_host_name(struct str host);

#endif
