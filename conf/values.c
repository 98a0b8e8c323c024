/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * In this order: numbers with units (sizes, durations, rates), modes of files,
 * hosts, and paths. Pure. Master only.
 */
#include "conf/values.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>

struct unit {
	struct str name;
	uint64_t worth;
};

/* Largest first: formatting uses the first unit that divides the value. An
 * entry whose worth is 0 ends each table. */
static const struct unit size_units[] = {
	{STR_INIT("t"), UINT64_C(1) << 40},
	{STR_INIT("g"), 1 << 30},
	{STR_INIT("m"), 1 << 20},
	{STR_INIT("k"), 1 << 10},
	{STR_INIT(""), 1},
	{.worth = 0},
};
static const struct unit duration_units[] = {
	{STR_INIT("h"), 3600000}, {STR_INIT("m"), 60000}, {STR_INIT("s"), 1000},
	{STR_INIT("ms"), 1},      {.worth = 0},
};

/* The number that the text begins with, and what follows it. False without
 * a number, or when it is out of 64 bits. */
static bool parse_digits(struct str text, uint64_t *number_out,
			 struct str *unit_out)
{
	size_t n = 0;

	while (n < text.n && text.p[n] >= '0' && text.p[n] <= '9')
		n++;
	*unit_out = str_tail(text, n);
	return str_to_u64((struct str){text.p, n}, number_out);
}

static const struct unit *find_unit(const struct unit *units, struct str name)
{
	for (; units->worth > 0; units++)
		if (str_equal(units->name, name))
			return units;
	return NULL;
}

static const char *format_units(const struct unit *units, uint64_t value,
				char text_out[VALUE_TEXT])
{
	while (value % units->worth != 0)
		units++;
	snprintf(text_out, VALUE_TEXT, "%" PRIu64 "%s", value / units->worth,
		 units->name.p);
	return text_out;
}

const char *value_parse_size(struct str text, uint64_t *bytes_out)
{
	uint64_t number;
	struct str name;

	if (!parse_digits(text, &number, &name))
		return "a size is a number of bytes, or one with k, m, g or t, "
		       "such as \"16k\"";
	char lower = name.n == 1 ? ascii_lower(name.p[0]) : '\0';
	const struct unit *unit =
		find_unit(size_units, name.n == 1 ? (struct str){&lower, 1} : name);

	if (unit == NULL)
		return "the units of a size are k, m, g and t, as in \"16k\"";
	if (__builtin_mul_overflow(number, unit->worth, bytes_out))
		return "the size is too large";
	return NULL;
}

const char *value_format_size(uint64_t bytes, char text_out[VALUE_TEXT])
{
	return bytes == 0 ? memcpy(text_out, "0", 2)
			  : format_units(size_units, bytes, text_out);
}

const char *value_parse_duration(struct str text, uint64_t *ms_out)
{
	uint64_t number;
	struct str name;

	if (!parse_digits(text, &number, &name))
		return "a duration is a number with ms, s, m or h, such as "
		       "\"10s\"";
	const struct unit *unit =
		find_unit(duration_units, name.n == 0 ? STR("s") : name);

	if (unit == NULL)
		return "the units of a duration are ms, s, m and h, as in "
		       "\"10s\"";
	if (__builtin_mul_overflow(number, unit->worth, ms_out))
		return "the duration is too long";
	return NULL;
}

const char *value_format_duration(uint64_t ms, char text_out[VALUE_TEXT])
{
	return ms == 0 ? memcpy(text_out, "0s", 3)
		       : format_units(duration_units, ms, text_out);
}

static const struct unit rate_units[] = {
	{STR_INIT("s"), 1000},     {STR_INIT("m"), 60000}, {STR_INIT("h"), 3600000},
	{STR_INIT("d"), 86400000}, {.worth = 0},
};

const char *value_parse_rate(struct str text, uint64_t *n_out, uint64_t *ms_out)
{
	enum { MAX = 1000000 };
	struct str unit = text, number = str_cut(&unit, '/');
	const struct unit *found;

	*n_out = *ms_out = 0;
	if (str_equal(text, STR("off")))
		return NULL;
	found = unit.p != NULL ? find_unit(rate_units, unit) : NULL;
	if (found == NULL || !str_to_u64(number, n_out))
		return "a rate is a number by s, m, h or d, such as \"10/s\", or "
		       "\"off\"";
	if (*n_out == 0 || *n_out > MAX)
		return "the number of a rate is from 1 to 1000000";
	*ms_out = found->worth;
	return NULL;
}

const char *value_format_rate(uint64_t n, uint64_t ms, char text_out[VALUE_TEXT])
{
	const struct unit *unit = rate_units;

	if (n == 0)
		return memcpy(text_out, "off", 4);
	while (unit->worth != ms)
		unit++;
	snprintf(text_out, VALUE_TEXT, "%" PRIu64 "/%s", n, unit->name.p);
	return text_out;
}

const char *value_parse_mode(struct str text, int *mode_out)
{
	int mode = 0;

	if (text.n < 3 || text.n > 4 || (text.n == 4 && text.p[0] != '0'))
		return "a mode is three octal digits, such as \"0660\"";
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '7')
			return "a mode is three octal digits, such as "
			       "\"0660\"";
		mode = mode * 8 + (text.p[i] - '0');
	}
	*mode_out = mode;
	return NULL;
}

const char *value_format_mode(int mode, char text_out[VALUE_TEXT])
{
	snprintf(text_out, VALUE_TEXT, "%04o", (unsigned)mode);
	return text_out;
}

static bool is_host_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
	       c == '_';
}

/* Labels as DNS has them, and "_" because people use it. */
static const char *check_name(struct str name)
{
	size_t label = 0;

	if (name.n > 253)
		return "a host has at most 253 characters";
	for (size_t i = 0; i <= name.n; i++) {
		if (i < name.n && name.p[i] != '.') {
			if ((unsigned char)name.p[i] >= 0x80)
				return "a host is written in ASCII: use its "
				       "\"xn--\" form";
			if (name.p[i] == ':')
				return "a host is written without a port";
			if (!is_host_char(name.p[i]))
				return "a host is made of letters, digits, "
				       "\"-\" and \".\", after \"*.\" or not";
			label++;
			continue;
		}
		if (label == 0)
			return name.n > 0 && i == name.n
				       ? "a host is written without a dot at "
					 "its end"
				       : "a host has no empty part";
		if (label > 63)
			return "a part of a host has at most 63 characters";
		label = 0;
	}
	return NULL;
}

static const char *check_ipv6(struct str host)
{
	char ip[INET6_ADDRSTRLEN];
	struct in6_addr v6;
	static const char why[] =
		"an IPv6 host is written as \"[::1]\", without a port";

	if (host.n < 2 || host.n - 2 >= sizeof(ip) || host.p[host.n - 1] != ']')
		return why;
	memcpy(ip, host.p + 1, host.n - 2);
	ip[host.n - 2] = '\0';
	return inet_pton(AF_INET6, ip, &v6) == 1 ? NULL : why;
}

const char *value_parse_host(struct arena *arena, struct str text,
			     struct str *host_out)
{
	struct str host = arena_copy(arena, text);

	for (size_t i = 0; i < host.n; i++)
		((char *)host.p)[i] = ascii_lower(host.p[i]);
	*host_out = host;
	if (host.n == 0)
		return "a host must not be empty; \"*\" is every host";
	if (str_equal(host, STR("*")))
		return NULL;
	if (host.p[0] == '[')
		return check_ipv6(host);
	if (str_starts_with(host, STR("*.")))
		host = str_tail(host, 2);
	return check_name(host);
}

struct str value_file_path(struct arena *arena, struct str path)
{
	char *out = arena_bytes(arena, path.n + 2);
	size_t n = 0;
	bool absolute = path.n > 0 && path.p[0] == '/';

	for (struct str rest = path; rest.p != NULL;) {
		struct str segment = str_cut(&rest, '/');

		if (segment.n == 0 || str_equal(segment, STR(".")))
			continue;
		if (n > 0 || absolute)
			out[n++] = '/';
		memcpy(out + n, segment.p, segment.n);
		n += segment.n;
	}
	if (n == 0)
		out[n++] = absolute ? '/' : '.';
	out[n] = '\0';
	return (struct str){out, n};
}

bool value_has_control(struct str text)
{
	for (size_t i = 0; i < text.n; i++)
		if ((unsigned char)text.p[i] < ' ' || text.p[i] == 0x7f)
			return true;
	return false;
}

bool value_is_named_server(struct str text)
{
	struct str port = text, name = str_cut(&port, ':');
	uint64_t number;

	if (name.n == 0 || name.n > 253 || port.p == NULL ||
	    !str_to_u64(port, &number) || number == 0 || number > UINT16_MAX)
		return false;
	for (size_t i = 0; i < name.n; i++) {
		char c = ascii_lower(name.p[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    c != '-' && c != '.' && c != '_')
			return false;
	}
	return true;
}
