/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker/codec/date.h"

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

static void put_two(char *out, unsigned value)
{
	out[0] = (char)('0' + value / 10);
	out[1] = (char)('0' + value % 10);
}

void http_date_format(time_t when, char out[HTTP_DATE_SIZE])
{
	static const char form[] = "Thu, 01 Jan 1970 00:00:00 GMT";
	static const char weekdays[] = "ThuFriSatSunMonTueWed";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
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
