/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/schema/conf_static.h"

#include "conf/schema/conf_handlers.h"
#include "conf/schema/types.h"

#define MS_YEAR (UINT64_C(366) * 24 * 3600 * 1000)

/* Tables, laid out by hand. */
/* clang-format off */

#define AT(field) .offset = offsetof(struct conf_static, field)

static const struct schema_setting settings[] = {
	{.name = "root", AT(root), .type = &type_directory, .required = true,
	 .help = "The directory, which has to exist."},
	{.name = "index", AT(index), .type = &type_file_names,
	 .fallback = "index.html",
	 .help = "The files that answer for a directory; the first one that "
		 "exists does."},
	{.name = "symlinks", AT(symlinks), .type = &type_choice,
	 .fallback = "inside", .words = "inside|follow|none",
	 .help = "Which symbolic links are followed: those that lead to "
		 "something inside the root, however they are written, all of "
		 "them, or none. The magic links of /proc are never followed."},
	{.name = "try", AT(try), .type = &type_try, .fallback = "",
	 .help = "Templates of paths below the root, which are looked for in "
		 "place of the path of the request; the first one that exists "
		 "answers. A path that ends in \"/\" is that of a directory, "
		 "the others are files. The last may be \"=\" and a status, "
		 "from 400 to 599, for when none exists; it is 404 otherwise. "
		 "Empty: \"${rest}\", as a file or a directory."},
	{.name = "listing", AT(listing), .type = &type_boolean,
	 .fallback = "false",
	 .help = "Whether a directory without an index file is answered with a "
		 "page that lists it, or as JSON. It leaves out names that begin with "
		 "a dot, and what cannot be served."},
	{.name = "precompressed", AT(precompressed), .type = &type_codings,
	 .fallback = "",
	 .help = "The codings in which a compressed form may lie beside a file, "
		 "with the suffix .zst, .br or .gz, the preferred one first. "
		 "It is sent to clients that accept it, if it is not older than "
		 "the file itself."},
	{.name = "charset", AT(charset), .type = &type_token, .fallback = "",
	 .help = "The charset in the Content-Type of text, such as \"utf-8\". "
		 "Empty: none."},
	{.name = "cache_control", AT(cache_control), .type = &type_string,
	 .fallback = "",
	 .help = "The Cache-Control of the files, such as \"public, "
		 "max-age=3600\" or \"no-cache\". Empty: none, or what "
		 "expires asks for."},
	{.name = "expires", AT(expires), .type = &type_duration,
	 .fallback = "0s", .max = MS_YEAR,
	 .help = "How long after the response the files may be taken from a "
		 "cache: Expires, and without cache_control also a "
		 "Cache-Control with max-age. In whole seconds; 0: neither."},
};

static const struct schema_group group = {
	.title = "sites[].routes[]", .size = sizeof(struct conf_static),
	SCHEMA_ROWS(settings),
};

const struct schema_handler conf_static_handler = {
	.name = "static", .group = &group,
	.methods = CONF_METHOD(GET) | CONF_METHOD(HEAD),
	.help = "Serves the files below a directory: its root and then the "
		"part of the request's path that follows the path of the "
		"route. A directory is served by its index file.",
};
