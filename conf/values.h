/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Values that a configuration writes as text: sizes, durations, file modes,
 * hosts, paths. Each is read into what the program uses and written back in
 * one canonical form that reads as the same. Pure. Master only.
 *
 * Those that parse return NULL, or a static sentence that says what is wrong.
 */
#ifndef CONF_VALUES_H
#define CONF_VALUES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

/* Longest text that one of the formatters writes, with its NUL. */
enum { VALUE_TEXT = 32 };

/* Bytes: "512", "16k", "1m", "2g"; a unit is 1024 times the one before. */
const char *value_parse_size(struct str text, uint64_t *bytes_out)
	__attribute__((warn_unused_result));
const char *value_format_size(uint64_t bytes, char text_out[VALUE_TEXT]);

/* Milliseconds: "500ms", "10s", "5m", "1h"; seconds without a unit. */
const char *value_parse_duration(struct str text, uint64_t *ms_out)
	__attribute__((warn_unused_result));
const char *value_format_duration(uint64_t ms, char text_out[VALUE_TEXT]);

/* "10/s", also by m, h and d; "off" is 0. */
const char *value_parse_rate(struct str text, uint64_t *n_out, uint64_t *ms_out)
	__attribute__((warn_unused_result));
const char *value_format_rate(uint64_t n, uint64_t ms, char text_out[VALUE_TEXT]);

/* Permissions of a file in octal: "0660", up to "0777". */
const char *value_parse_mode(struct str text, int *mode_out)
	__attribute__((warn_unused_result));
const char *value_format_mode(int mode, char text_out[VALUE_TEXT]);

/* A host of a site in lower case: a name, an IP address, "*.suffix", "*". */
const char *value_parse_host(struct arena *arena, struct str text,
			     struct str *host_out)
	__attribute__((warn_unused_result));

/* Without "//" and "." segments, but with its "..", which symbolic links
 * make mean something: for paths of files. No "/" at the end. */
struct str value_file_path(struct arena *arena, struct str path);

/* "name:port", of a name that has to be resolved: RFC 1123 section 2.1, and "_",
 * which service names have. It may be an address all the same. */
bool value_is_named_server(struct str text);

/* NUL, newline, escape and their like. */
bool value_has_control(struct str text);

#endif
