/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker/http/policy/limits.h"

#include "base/clock.h"
#include "base/loop.h"
#include "worker/http/exchange.h"
#include "worker/http/failure.h"
#include "worker/http/http.h"
#include "worker/http/variables.h"

_Static_assert((int)CONF_CONCURRENT_MAX <= (int)QUOTA_CONCURRENT_MAX,
	       "the quota cannot count that far");

struct limit {
	const struct template *key;
	bool by_address; /* the key is ${remote_addr} and nothing else */
	struct str zone; /* with what makes its keys different from others' */
	struct str text; /* "sites[0].rate, 10 in 1 s", for the log */
};

struct limits {
	struct limit rate;
	uint64_t interval; /* ns; 0: no limit */
	uint64_t burst;
	struct limit concurrent;
	unsigned max; /* at a time; 0: no limit */
};

static void limit_init(struct limit *limit, struct http *http, const char *kind,
		       const struct template *key, struct str zone)
{
	struct arena *arena = &http->arena;

	*limit = (struct limit){
		.text = limit->text,
		.key = key,
		.by_address = key->n_pieces == 1 &&
			      key->pieces[0].variable == TEMPLATE_REMOTE_ADDR,
		.zone = arena_printf(arena, "%s of %" STR_FMT, kind, STR_ARG(zone)),
	};
}

struct limits *limits_create(struct http *http, const struct conf_common *conf)
{
	if (conf->rate.n == 0 && conf->concurrent == 0)
		return NULL;
	struct limits *limits = arena_zalloc(&http->arena, 1, sizeof(*limits));

	if (conf->rate.n > 0)
		limits->interval = conf->rate.period * NS_PER_MS / conf->rate.n;
	limits->burst = conf->rate_burst;
	limits->max = (unsigned)conf->concurrent;
	limits->rate.text =
		arena_printf(&http->arena, "%s.rate, %ju in %ju s",
			     conf_giver(conf, &conf->rate), (uintmax_t)conf->rate.n,
			     (uintmax_t)conf->rate.period / 1000);
	limits->concurrent.text = arena_printf(
		&http->arena, "%s.concurrent, %ju at a time",
		conf_giver(conf, &conf->concurrent), (uintmax_t)conf->concurrent);
	limit_init(&limits->rate, http, "rate", &conf->rate_key, conf->rate_zone);
	limit_init(&limits->concurrent, http, "concurrent", &conf->concurrent_key,
		   conf->concurrent_zone);
	return limits;
}

/* Of an IPv6 address the first half: one client can have all of the other. */
static struct str address_of(const struct endpoint *peer)
{
	if (peer->family == AF_INET)
		return (struct str){(const char *)peer->ip, 4};
	if (peer->family == AF_INET6)
		return (struct str){(const char *)peer->ip, 8};
	return STR("unix");
}

/* 0 when there is nothing to tell the request by. */
static uint64_t key_of(const struct limit *limit, struct exchange *x)
{
	struct str zone = limit->zone, value;

	if (limit->by_address)
		value = address_of(&x->peer);
	else if (!template_evaluate(limit->key, x, ESCAPE_NONE, &value))
		return 0;
	if (value.n == 0)
		return 0;
	char *text = arena_bytes(&x->arena, zone.n + 1 + value.n);

	memcpy(text, zone.p, zone.n);
	text[zone.n] = '\0';
	memcpy(text + zone.n + 1, value.p, value.n);
	return quota_key(x->http->quota, (struct str){text, zone.n + 1 + value.n});
}

static void refuse(const struct limit *limit, struct exchange *x, uint64_t wait_ns)
{
	fields_add_number(&x->response.fields, &x->arena, STR("Retry-After"),
			  (wait_ns + NS_PER_S - 1) / NS_PER_S);
	x->http->counters->limited++;
	failure_set(x, FAILURE_LIMITED, "over %" STR_FMT, STR_ARG(limit->text));
}

static unsigned admit_by_rate(struct limits *limits, struct exchange *x)
{
	uint64_t key = key_of(&limits->rate, x), wait;

	if (key == 0)
		return 0;
	wait = quota_use(x->http->quota, key, x->http->loop->now, limits->interval,
			 limits->burst);
	if (wait == 0)
		return 0;
	refuse(&limits->rate, x, wait);
	return 429;
}

static unsigned admit_concurrent(struct limits *limits, struct exchange *x)
{
	uint64_t key = key_of(&limits->concurrent, x);
	unsigned max = x->was_admitted ? UINT32_MAX : limits->max;

	if (key == 0)
		return 0;
	switch (quota_enter(x->http->quota, x->http->slot, key, max)) {
	case QUOTA_ENTERED:
		x->concurrent_key = key;
		return 0;
	case QUOTA_UNCOUNTED:
		return 0;
	case QUOTA_FULL:
		break;
	}
	refuse(&limits->concurrent, x, NS_PER_S);
	return 503;
}

unsigned limits_admit(struct limits *limits, struct exchange *x)
{
	unsigned status = 0;

	if (limits->interval != 0 && !x->was_admitted)
		status = admit_by_rate(limits, x);
	if (limits->max != 0 && status == 0)
		status = admit_concurrent(limits, x);
	return status;
}

void limits_resume(struct exchange *x, uint64_t key)
{
	if (quota_enter(x->http->quota, x->http->slot, key, UINT32_MAX) ==
	    QUOTA_ENTERED)
		x->concurrent_key = key;
}

void limits_release(struct exchange *x)
{
	if (x->concurrent_key != 0)
		quota_exit(x->http->quota, x->http->slot, x->concurrent_key);
	x->concurrent_key = 0;
}
