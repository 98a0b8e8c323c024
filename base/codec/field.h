/* SPDX-License-Identifier: BSD-2-Clause */
/* A field of a request (RFC 9110 section 5), whatever protocol brought it. */
#ifndef BASE_CODEC_FIELD_H
#define BASE_CODEC_FIELD_H

#include "base/str.h"

/* Fields that the server itself looks at, known by one comparison; the rest
 * are FIELD_OTHER. */
enum field_id {
	FIELD_OTHER,
	FIELD_HOST,
	FIELD_CONNECTION,
	FIELD_CONTENT_LENGTH,
	FIELD_CONTENT_TYPE,
	FIELD_TRANSFER_ENCODING,
	FIELD_EXPECT,
	FIELD_USER_AGENT,
	FIELD_REFERER,
	FIELD_UPGRADE,
	FIELD_RANGE,
	FIELD_IF_RANGE,
	FIELD_IF_MATCH,
	FIELD_IF_NONE_MATCH,
	FIELD_IF_MODIFIED_SINCE,
	FIELD_IF_UNMODIFIED_SINCE,
	FIELD_ACCEPT_ENCODING,
	FIELD_AUTHORIZATION,
	FIELD_ID_COUNT
};

struct field {
	struct str name;  /* as sent */
	struct str value; /* without the white space around it */
	enum field_id id;
};

#endif
