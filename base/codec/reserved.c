/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/codec/reserved.h"

unsigned reserved_for(struct str name)
{
	static const struct {
		struct str name;
		enum reserved kind;
	} fields[] = {
		{STR_INIT("Connection"), RESERVED_HOP},
		{STR_INIT("Keep-Alive"), RESERVED_HOP},
		{STR_INIT("Proxy-Connection"), RESERVED_HOP},
		{STR_INIT("TE"), RESERVED_HOP},
		{STR_INIT("Trailer"), RESERVED_HOP},
		{STR_INIT("Transfer-Encoding"), RESERVED_HOP},
		{STR_INIT("Upgrade"), RESERVED_HOP},
		{STR_INIT("Content-Length"), RESERVED_LENGTH},
		{STR_INIT("Content-Range"), RESERVED_RANGE},
		{STR_INIT("Expect"), RESERVED_EXPECT},
		{STR_INIT("Date"), RESERVED_DATE},
		{STR_INIT("Server"), RESERVED_SERVER},
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		if (str_equal_nocase(fields[i].name, name))
			return fields[i].kind;
	return 0;
}
