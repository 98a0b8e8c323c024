/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A histogram of durations with buckets that grow with the value: four to
 * each power of two, so a bound is never more than 25% from the truth. Plain
 * counters that lie in shared memory: one writer, any readers. Any process.
 */
#ifndef BASE_HISTOGRAM_H
#define BASE_HISTOGRAM_H

#include <stdint.h>

/* Microseconds from 0 to about 19 hours. */
enum { HISTOGRAM_BUCKETS = 4 * 35 };

struct histogram {
	uint64_t count;
	uint64_t sum_us;
	uint64_t max_us;
	uint64_t buckets[HISTOGRAM_BUCKETS];
};

/* The bucket of a duration, and the largest duration of a bucket. */
unsigned histogram_bucket(uint64_t us);
uint64_t histogram_bound(unsigned bucket);

void histogram_add(struct histogram *h, uint64_t us);
void histogram_merge(struct histogram *into, const struct histogram *from);

/* The other way; the largest value stays, and nothing falls below 0. */
void histogram_subtract(struct histogram *from, const struct histogram *before);

/* The upper bound in us of the bucket where `quantile` (0..1) lies; 0 when
 * nothing was counted, never over the largest value seen. */
uint64_t histogram_quantile(const struct histogram *h, double quantile);

#endif
