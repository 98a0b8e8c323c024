/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * In this order: the passwords that were verified lately, the job of hashing
 * one in a thread, reading Authorization, and auth_check(), which decides
 * whether a hash is needed. Worker.
 */
#include "worker/http/policy/auth.h"

#include <crypt.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/codec/base64.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/offload.h"
#include "base/siphash.h"
#include "base/tunable.h"
#include "conf/password_hash.h"
#include "conf/passwords.h"
#include "worker/http/exchange.h"
#include "worker/http/failure.h"
#include "worker/http/http.h"

enum {
	HASHER_MAX = 64,    /* that wait at a time */
	HASHER_JOBS = 2048, /* including requests that moved here, which are
			     * never refused */
	HASHER_END_MS = 5000,
	KNOWN_SETS = 256,
	KNOWN_WAYS = 4,
	KNOWN_FOR_S = 300,
};

/* A name whose password was verified. */
struct known {
	uint64_t hash;  /* 0: none */
	uint64_t until; /* CLOCK_MONOTONIC ns */
};

/* Of the worker. */
struct hasher {
	struct offload offload;
	unsigned n_waiting;
	struct siphash_key secret;
	struct known known[KNOWN_SETS][KNOWN_WAYS];
};

struct auth {
	const char *file;
	const struct passwords *passwords;
	struct str challenge; /* the value of WWW-Authenticate */
};

/* All that the thread touches is in here. */
struct hash_job {
	struct job job;
	struct hasher *hasher;
	struct exchange *x; /* NULL when it is gone */
	const struct auth *auth;
	uint64_t known_as;
	bool is_known_name;
	bool is_right;
	struct str user; /* in the exchange's arena */
	char password[CRYPT_MAX_PASSPHRASE_SIZE];
	char hash[CRYPT_OUTPUT_SIZE];
	char costliest[CRYPT_OUTPUT_SIZE]; /* empty: `hash` costs as much */
	struct crypt_data data;
};

static struct str quote(struct arena *arena, const char *text)
{
	char *out = arena_bytes(arena, 2 * strlen(text) + 1), *to = out;

	for (const char *c = text; *c != '\0'; c++) {
		if (*c == '"' || *c == '\\')
			*to++ = '\\';
		*to++ = *c;
	}
	return (struct str){out, (size_t)(to - out)};
}

static struct hasher *hasher_create(struct loop *loop)
{
	struct hasher *hasher = mem_zalloc(1, sizeof(*hasher));

	offload_init(&hasher->offload, loop, "passwords", HASHER_JOBS);
	hasher->secret = siphash_random_key();
	return hasher;
}

void hasher_destroy(struct hasher **hasher)
{
	if (*hasher == NULL)
		return;
	if (offload_fini(&(*hasher)->offload, OFFLOAD_DROP, HASHER_END_MS))
		free(*hasher);
	else
		log_warn("a password is still being hashed");
	*hasher = NULL;
}

int auth_create(struct http *http, const struct conf_common *conf,
		struct auth **auth_out, const char **why_out)
{
	struct auth *auth;
	int line;

	*auth_out = NULL;
	if (conf->auth_file[0] == '\0')
		return 0;
	auth = arena_zalloc(&http->arena, 1, sizeof(*auth));
	auth->file = conf->auth_file;
	auth->passwords =
		passwords_load(&http->arena, conf->auth_file, why_out, &line);
	if (auth->passwords == NULL) {
		*why_out = arena_printf(&http->arena, "auth_file: %s:%d: %s",
					conf->auth_file, line, *why_out)
				   .p;
		return -1;
	}
	auth->challenge = arena_printf(
		&http->arena, "Basic realm=\"%" STR_FMT "\", charset=\"UTF-8\"",
		STR_ARG(quote(&http->arena, conf->auth_realm)));
	if (http->hasher == NULL)
		http->hasher = hasher_create(http->loop);
	*auth_out = auth;
	return 0;
}

/* Name and password of the one Authorization field, in the exchange's arena.
 * A NUL would end the password early for crypt(3). */
static bool find_credentials(struct exchange *x, struct str *name_out,
			     struct str *password_out)
{
	struct str value, rest;
	size_t n;

	if (!request_sole_field(&x->request, FIELD_AUTHORIZATION, &value) ||
	    !str_equal_nocase(str_cut(&value, ' '), STR("basic")) ||
	    value.p == NULL)
		return false;
	value = str_trim(value);
	char *text = arena_bytes(&x->arena, value.n);

	if (!base64_decode(value, text, &n))
		return false;
	rest = (struct str){text, n};
	*name_out = str_cut(&rest, ':');
	*password_out = rest;
	if (rest.p == NULL || rest.n >= CRYPT_MAX_PASSPHRASE_SIZE)
		return false;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return false;
	return true;
}

static unsigned challenge(const struct auth *auth, struct exchange *x)
{
	fields_add(&x->response.fields, &x->arena, STR("WWW-Authenticate"),
		   auth->challenge);
	return 401;
}

/* A verified password is remembered by a keyed hash over name, password and
 * stored hash: another file or a changed password does not match it. */
static uint64_t known_as(struct exchange *x, struct str name, struct str password,
			 struct str hash)
{
	struct str all =
		arena_printf(&x->arena, "%" STR_FMT ":%" STR_FMT "\n%" STR_FMT,
			     STR_ARG(name), STR_ARG(hash), STR_ARG(password));
	uint64_t known = siphash(&x->http->hasher->secret, all);

	return known != 0 ? known : 1;
}

static bool is_known(const struct hasher *hasher, uint64_t hash, uint64_t now)
{
	const struct known *set = hasher->known[hash % KNOWN_SETS];

	for (int i = 0; i < KNOWN_WAYS; i++)
		if (set[i].hash == hash && now < set[i].until)
			return true;
	return false;
}

/* Replaces the one that expires first. */
static void remember(struct hasher *hasher, uint64_t hash, uint64_t now)
{
	struct known *set = hasher->known[hash % KNOWN_SETS], *oldest = set;

	for (int i = 0; i < KNOWN_WAYS; i++) {
		if (set[i].hash == hash) {
			oldest = &set[i];
			break;
		}
		if (set[i].until < oldest->until)
			oldest = &set[i];
	}
	*oldest = (struct known){hash, now + tunable("KNOWN_FOR_S", KNOWN_FOR_S) *
						       NS_PER_S};
}

/* In the thread. A password that is wrong takes as long as one of the user whose
 * hash costs most, whoever's it is, or nobody's. */
static void work(struct job *job)
{
	struct hash_job *j = CONTAINER_OF(job, struct hash_job, job);

	j->is_right = password_hash_matches(j->hash, j->password, &j->data) &&
		      j->is_known_name;
	if (!j->is_right && j->costliest[0] != '\0')
		(void)!password_hash_matches(j->costliest, j->password, &j->data);
}

static void job_destroy(struct hash_job *j)
{
	explicit_bzero(j->password, sizeof(j->password));
	explicit_bzero(&j->data, sizeof(j->data));
	free(j);
}

static void on_cancel(struct exchange *x)
{
	struct hash_job *j = x->holder;

	j->x = NULL;
	if (!offload_cancel(&j->hasher->offload, &j->job))
		return; /* its done() comes */
	j->hasher->n_waiting--;
	job_destroy(j);
}

static unsigned too_many(struct exchange *x)
{
	failure_set(x, FAILURE_LIMITED, "too many passwords wait to be checked");
	fields_add(&x->response.fields, &x->arena, STR("Retry-After"), STR("1"));
	return 503;
}

/* What the client is told when its password was wrong, or not looked at. */
static unsigned refusal(const struct hash_job *j)
{
	if (j->job.dropped)
		return too_many(j->x);
	if (j->is_known_name)
		failure_set(j->x, FAILURE_LOGIN, "user %s: wrong password",
			    failure_quote(j->x, j->user));
	else
		failure_set(j->x, FAILURE_LOGIN, "user %s: not in %s",
			    failure_quote(j->x, j->user), j->auth->file);
	return challenge(j->auth, j->x);
}

static void done(struct job *job)
{
	struct hash_job *j = CONTAINER_OF(job, struct hash_job, job);
	struct exchange *x = j->x;
	unsigned status = 0;

	j->hasher->n_waiting--;
	if (j->is_right)
		remember(j->hasher, j->known_as, j->hasher->offload.loop->now);
	if (x != NULL && j->is_right)
		x->user = j->user;
	else if (x != NULL)
		status = refusal(j);
	job_destroy(j);
	if (x == NULL)
		return;
	x->ends_with_peer = false;
	exchange_admitted(x, status);
}

/* Unknown user: hash against some entry anyway, so that timing does not tell. */
static unsigned hash_later(const struct auth *auth, struct exchange *x,
			   struct str name, struct str password,
			   const struct password *found, uint64_t known)
{
	const struct password *like =
		found != NULL ? found : passwords_stand_in(auth->passwords, name);
	struct hasher *hasher = x->http->hasher;

	uint64_t client = endpoint_client(&x->peer);

	if (hasher->n_waiting >= HASHER_MAX && !x->was_admitted &&
	    !offload_push_out(&hasher->offload, client))
		return too_many(x);
	struct hash_job *j = mem_zalloc(1, sizeof(*j));

	j->job.work = work;
	j->job.done = done;
	j->job.client = client;
	j->hasher = hasher;
	j->x = x;
	j->auth = auth;
	j->known_as = known;
	j->is_known_name = found != NULL;
	j->user = name;
	if (password.n > 0)
		memcpy(j->password, password.p, password.n);
	memcpy(j->hash, like->hash.p, like->hash.n);
	const struct password *costliest = auth->passwords->costliest;

	if (like->cost < costliest->cost)
		memcpy(j->costliest, costliest->hash.p, costliest->hash.n);
	if (!offload_submit(&hasher->offload, &j->job)) {
		job_destroy(j);
		return too_many(x);
	}
	hasher->n_waiting++;
	x->ends_with_peer = true; /* no work for clients that are gone */
	exchange_hold(x, on_cancel, j);
	return EXCHANGE_LATER;
}

/* Without a name that could be looked for. */
static void set_failure(const struct auth *auth, struct exchange *x)
{
	if (auth->passwords->n == 0)
		failure_set(x, FAILURE_LOGIN, "there are no users in %s",
			    auth->file);
	else if (request_has(&x->request, FIELD_AUTHORIZATION))
		failure_set(x, FAILURE_LOGIN,
			    "Authorization has no name and password (Basic)");
	else
		failure_set(x, FAILURE_LOGIN, "no name and password were sent");
}

unsigned auth_admit(const struct auth *auth, struct exchange *x)
{
	struct str name, password;
	uint64_t known = 0;

	if (auth->passwords->n == 0 || !find_credentials(x, &name, &password)) {
		set_failure(auth, x);
		return challenge(auth, x);
	}
	const struct password *found = passwords_find(auth->passwords, name);

	if (found != NULL) {
		known = known_as(x, name, password, found->hash);
		if (is_known(x->http->hasher, known, x->http->loop->now)) {
			x->user = name;
			return 0;
		}
	}
	return hash_later(auth, x, name, password, found, known);
}
