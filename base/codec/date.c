/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First days and formatting, then parsing: each of the three forms is a pattern
 * of letters, one for each part of a date, and one reader walks it. Pure.
 */
#include "base/codec/date.h"

#include <stdint.h>
#include <string.h>

struct civil_day {
	unsigned year;  /* modulo 10000 */
	unsigned month; /* from 0 */
	unsigned day;   /* from 1 */
};

/*
 * The day of the proleptic Gregorian calendar that is `days` days after
 * 1970-01-01. Years are counted from 1 March, so that the leap day is the
 * last of its year, in eras of 400 years, which all have 146097 days.
 */
static struct civil_day civil_day(int64_t days)
{
	days += 719468; /* since 0000-03-01 */

	int64_t era = (days >= 0 ? days : days - 146096) / 146097;
	unsigned day_of_era = (unsigned)(days - era * 146097);
	unsigned year_of_era = (day_of_era - day_of_era / 1460 +
				day_of_era / 36524 - day_of_era / 146096) /
			       365;
	unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 -
					     year_of_era / 100);
	unsigned month = (5 * day_of_year + 2) / 153; /* from March */
	int64_t year = year_of_era + era * 400 + (month >= 10);

	year %= 10000;
	return (struct civil_day){
		.year = (unsigned)(year < 0 ? year + 10000 : year),
		.month = month < 10 ? month + 2 : month - 10,
		.day = day_of_year - (153 * month + 2) / 5 + 1,
	};
}

/* The inverse: days since 1970-01-01 of a day of that calendar. */
static int64_t days_of(const struct civil_day *date)
{
	/* From March, which is month 0 here, as above. */
	int64_t year = (int64_t)date->year - (date->month < 2);
	int64_t era = (year >= 0 ? year : year - 399) / 400;
	unsigned year_of_era = (unsigned)(year - era * 400);
	unsigned month = date->month < 2 ? date->month + 10 : date->month - 2;
	unsigned day_of_year = (153 * month + 2) / 5 + date->day - 1;

	return era * 146097 +
	       (int64_t)(year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
			 day_of_year) -
	       719468;
}

static void put_two(char *out, unsigned value)
{
	out[0] = (char)('0' + value / 10);
	out[1] = (char)('0' + value % 10);
}

static const char weekdays[] = "ThuFriSatSunMonTueWed";
static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

void http_date_format(time_t when, char out[HTTP_DATE_SIZE])
{
	static const char form[] = "Thu, 01 Jan 1970 00:00:00 GMT";
	int64_t days = (int64_t)when / 86400, second = (int64_t)when % 86400;

	if (second < 0) {
		second += 86400;
		days--;
	}
	unsigned weekday = (unsigned)((days % 7 + 7) % 7);
	struct civil_day date = civil_day(days);

	memcpy(out, form, HTTP_DATE_SIZE);
	memcpy(out, weekdays + 3 * weekday, 3);
	put_two(out + 5, date.day);
	memcpy(out + 8, months + 3 * date.month, 3);
	put_two(out + 12, date.year / 100);
	put_two(out + 14, date.year % 100);
	put_two(out + 17, (unsigned)second / 3600);
	put_two(out + 20, (unsigned)second / 60 % 60);
	put_two(out + 23, (unsigned)second % 60);
}

/* What a date in text says. */
struct reading {
	struct civil_day date;
	unsigned hour, minute, second;
};

static bool read_digits(struct str *text, unsigned n, unsigned *value_out)
{
	*value_out = 0;
	for (unsigned i = 0; i < n; i++) {
		if (text->n == 0 || text->p[0] < '0' || text->p[0] > '9')
			return false;
		*value_out = *value_out * 10 + (unsigned)(text->p[0] - '0');
		*text = str_tail(*text, 1);
	}
	return true;
}

/* One of the three-letter names in `names`: its number. */
static bool read_name(struct str *text, const char *names, unsigned *number_out)
{
	for (unsigned i = 0; text->n >= 3 && names[3 * i] != '\0'; i++) {
		if (memcmp(text->p, names + 3 * i, 3) != 0)
			continue;
		*text = str_tail(*text, 3);
		*number_out = i;
		return true;
	}
	return false;
}

/* The part of a date that a letter of a form stands for; other characters stand
 * for themselves. */
static bool read_part(struct str *text, char part, struct reading *r)
{
	unsigned weekday;

	switch (part) {
	case 'W': /* Sun */
		return read_name(text, weekdays, &weekday);
	case 'd': /* 6, after a blank */
		return read_digits(text, 1, &r->date.day);
	case 'D': /* 06 */
		return read_digits(text, 2, &r->date.day);
	case 'N': /* Nov */
		return read_name(text, months, &r->date.month);
	case 'y': /* 94 */
		return read_digits(text, 2, &r->date.year);
	case 'Y': /* 1994 */
		return read_digits(text, 4, &r->date.year);
	case 'h':
		return read_digits(text, 2, &r->hour);
	case 'm':
		return read_digits(text, 2, &r->minute);
	case 's':
		return read_digits(text, 2, &r->second);
	default:
		if (text->n == 0 || text->p[0] != part)
			return false;
		*text = str_tail(*text, 1);
		return true;
	}
}

static bool has_form(struct str text, const char *form, struct reading *r)
{
	for (; *form != '\0'; form++)
		if (!read_part(&text, *form, r))
			return false;
	return text.n == 0;
}

/* The last year with these two digits up to 50 years after `now`. */
static unsigned full_year(unsigned two, time_t now)
{
	int64_t last = (int64_t)civil_day((int64_t)now / 86400).year + 50;
	int64_t year = last - last % 100 + two;

	return (unsigned)(year > last && year >= 100 ? year - 100 : year);
}

/* "Sunday, " before the rest of the second form. */
static bool read_long_weekday(struct str *text)
{
	static const struct str names[] = {
		STR_INIT("Sunday, "),   STR_INIT("Monday, "),
		STR_INIT("Tuesday, "),  STR_INIT("Wednesday, "),
		STR_INIT("Thursday, "), STR_INIT("Friday, "),
		STR_INIT("Saturday, "),
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (!str_starts_with(*text, names[i]))
			continue;
		*text = str_tail(*text, names[i].n);
		return true;
	}
	return false;
}

static bool read_any_form(struct str text, time_t now, struct reading *r)
{
	if (has_form(text, "W, D N Y h:m:s GMT", r) ||
	    has_form(text, "W N D h:m:s Y", r) ||
	    has_form(text, "W N  d h:m:s Y", r))
		return true;
	if (!read_long_weekday(&text) || !has_form(text, "D-N-y h:m:s GMT", r))
		return false;
	r->date.year = full_year(r->date.year, now);
	return true;
}

bool http_date_parse(struct str text, time_t now, time_t *when_out)
{
	struct reading r = {0};

	/* 60 is a leap second. */
	if (!read_any_form(text, now, &r) || r.hour > 23 || r.minute > 59 ||
	    r.second > 60)
		return false;
	int64_t days = days_of(&r.date);
	struct civil_day date = civil_day(days);

	if (date.day != r.date.day || date.month != r.date.month)
		return false; /* 30 Feb */
	*when_out = (time_t)(days * 86400 + (int64_t)r.hour * 3600 +
			     (int64_t)r.minute * 60 + (int64_t)r.second);
	return true;
}
