/* SPDX-License-Identifier: BSD-2-Clause */
#include "master/respawn.h"

#include "base/clock.h"

enum { RESPAWN_FIRST_MS = 50, RESPAWN_MAX_MS = 5000 };
#define RESPAWN_YOUNG  (1 * NS_PER_S)
#define RESPAWN_FORGET (10 * NS_PER_S) /* of life, or without young deaths */

uint64_t respawn_after_death(struct respawn *r, uint64_t now, uint64_t age)
{
	if (age >= RESPAWN_FORGET || now - r->last_young_ns >= RESPAWN_FORGET)
		r->delay_ms = 0;
	if (age >= RESPAWN_YOUNG)
		return r->delay_ms;
	r->last_young_ns = now;
	r->delay_ms = r->delay_ms == 0 ? RESPAWN_FIRST_MS : 2 * r->delay_ms;
	if (r->delay_ms > RESPAWN_MAX_MS)
		r->delay_ms = RESPAWN_MAX_MS;
	return r->delay_ms;
}

void respawn_calm_down(struct respawn *r, uint64_t now)
{
	if (now - r->last_young_ns > r->delay_ms * NS_PER_MS + RESPAWN_YOUNG)
		r->delay_ms = 0;
}
