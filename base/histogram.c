/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/histogram.h"

/* 0..3 have a bucket each; then bucket 4k+r holds (4+r) << (k-1) and up. */
unsigned histogram_bucket(uint64_t us)
{
	if (us < 4)
		return (unsigned)us;
	unsigned top = 63u - (unsigned)__builtin_clzll(us); /* >= 2 */
	unsigned bucket = 4 * (top - 1) + (unsigned)((us >> (top - 2)) & 3);

	return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

uint64_t histogram_bound(unsigned bucket)
{
	if (bucket < 4)
		return bucket;
	unsigned shift = bucket / 4 - 1;

	return ((5 + (uint64_t)(bucket % 4)) << shift) - 1;
}

void histogram_add(struct histogram *h, uint64_t us)
{
	h->count++;
	h->sum_us += us;
	if (us > h->max_us)
		h->max_us = us;
	h->buckets[histogram_bucket(us)]++;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
	into->count += from->count;
	into->sum_us += from->sum_us;
	if (from->max_us > into->max_us)
		into->max_us = from->max_us;
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
		into->buckets[i] += from->buckets[i];
}

static void take_off(uint64_t *from, uint64_t n)
{
	*from -= n < *from ? n : *from;
}

void histogram_subtract(struct histogram *from, const struct histogram *before)
{
	take_off(&from->count, before->count);
	take_off(&from->sum_us, before->sum_us);
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
		take_off(&from->buckets[i], before->buckets[i]);
}

uint64_t histogram_quantile(const struct histogram *h, double quantile)
{
	double wanted = quantile * (double)h->count;
	uint64_t seen = 0;

	if (h->count == 0)
		return 0;
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += h->buckets[i];
		if (seen > 0 && (double)seen >= wanted) {
			uint64_t bound = histogram_bound(i);

			return bound < h->max_us ? bound : h->max_us;
		}
	}
	return h->max_us;
}
