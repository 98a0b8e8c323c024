/* SPDX-License-Identifier: BSD-2-Clause */
/* Which statuses go with content. Pure. */
#ifndef BASE_CODEC_HTTP_STATUS_H
#define BASE_CODEC_HTTP_STATUS_H

#include <stdbool.h>

/* Whether the response ends with its head; a Content-Length in it is that of
 * another response (RFC 9112 section 6.3). */
static inline bool http_status_ends_with_head(unsigned status)
{
	return status < 200 || status == 204 || status == 304;
}

/* Whether a server must not send content with it: also 205, whose
 * Content-Length is 0. RFC 9110 sections 15.3.5, 15.3.6 and 15.4.5. */
static inline bool http_status_has_no_content(unsigned status)
{
	return http_status_ends_with_head(status) || status == 205;
}

#endif
