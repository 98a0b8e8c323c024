/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/conf.h"

const struct str conf_method_names[METHOD_COUNT] = {
	[METHOD_GET] = STR_INIT("GET"),
	[METHOD_HEAD] = STR_INIT("HEAD"),
	[METHOD_POST] = STR_INIT("POST"),
	[METHOD_PUT] = STR_INIT("PUT"),
	[METHOD_DELETE] = STR_INIT("DELETE"),
	[METHOD_OPTIONS] = STR_INIT("OPTIONS"),
	[METHOD_PATCH] = STR_INIT("PATCH"),
	[METHOD_TRACE] = STR_INIT("TRACE"),
	[METHOD_CONNECT] = STR_INIT("CONNECT"),
};

const struct str conf_coding_names[CONF_CODINGS] = {
	[CONF_CODING_ZSTD] = STR_INIT("zstd"),
	[CONF_CODING_BR] = STR_INIT("br"),
	[CONF_CODING_GZIP] = STR_INIT("gzip"),
};

bool conf_coding_is_built(enum conf_coding coding)
{
	switch (coding) {
	case CONF_CODING_ZSTD:
#ifdef HAVE_LIBZSTD
		return true;
#else
		return false;
#endif
	case CONF_CODING_BR:
#ifdef HAVE_LIBBROTLIENC
		return true;
#else
		return false;
#endif
	case CONF_CODING_GZIP:
		return true;
	case CONF_CODINGS:
		break;
	}
	return false;
}
