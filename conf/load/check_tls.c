/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First what is inherited, then certificates, then the listeners. Certificates
 * and keys are not read here: the master must not have a key in its memory, of
 * which every worker has a copy.
 */
#include "conf/load/check_tls.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/codec/tls_suite.h"

static struct location at_origin(const struct conf_origin *origin)
{
	return (struct location){
		.where = origin->where, .file = origin->file, .line = origin->line};
}

/* Certificates. */

static bool is_file(struct check *c, const struct location *at, const char *path)
{
	struct stat st;

	if (stat(path, &st) == -1)
		check_complain(c, at, "%s: %s", path, strerror(errno));
	else if (S_ISDIR(st.st_mode))
		check_complain(c, at, "%s: %s", path, strerror(EISDIR));
	else
		return true;
	return false;
}

/* Certificates, as they are found. */
struct found {
	struct conf_certificate *items;
	size_t n, room;
};

static void put(struct found *found, struct arena *arena,
		const struct conf_certificate *certificate)
{
	if (found->n == found->room) {
		size_t room = found->room == 0 ? 8 : 2 * found->room;
		struct conf_certificate *items =
			arena_zalloc(arena, room, sizeof(*items));

		if (found->n > 0)
			memcpy(items, found->items, found->n * sizeof(*items));
		found->items = items;
		found->room = room;
	}
	found->items[found->n++] = *certificate;
}

static void take_files(struct check *c, const struct conf_certificate *given,
		       struct found *found)
{
	struct location at = at_origin(&given->origin);
	struct conf_certificate certificate = *given;

	if (certificate.key[0] == '\0')
		certificate.key = certificate.chain;
	if (is_file(c, &at, certificate.chain) &&
	    (certificate.key == certificate.chain ||
	     is_file(c, &at, certificate.key)) &&
	    (certificate.ocsp[0] == '\0' || is_file(c, &at, certificate.ocsp)))
		put(found, &c->conf->arena, &certificate);
}

/* Nothing hidden, and nothing that is no certificate: NULL for the rest. */
static const char *key_suffix(const char *name)
{
	size_t n = strlen(name);

	if (name[0] == '.' || n <= 4)
		return NULL;
	if (strcmp(name + n - 4, ".pem") == 0)
		return "pem";
	return strcmp(name + n - 4, ".crt") == 0 ? "key" : NULL;
}

static void take_directory(struct check *c, const struct conf_certificate *given,
			   struct found *found)
{
	struct location at = at_origin(&given->origin);
	struct arena *arena = &c->conf->arena;
	struct dirent **names;
	size_t before = found->n;
	int n = scandir(given->directory, &names, NULL, alphasort);

	if (n == -1) {
		check_complain(c, &at, "%s: %s", given->directory, strerror(errno));
		return;
	}
	for (int i = 0; i < n; i++) {
		const char *name = names[i]->d_name, *suffix = key_suffix(name);
		struct conf_certificate certificate = *given;

		if (suffix != NULL) {
			certificate.chain =
				arena_printf(arena, "%s/%s", given->directory, name)
					.p;
			certificate.key =
				arena_printf(arena, "%s/%.*s%s", given->directory,
					     (int)strlen(name) - 3, name, suffix)
					.p;
			certificate.directory = "";
			take_files(c, &certificate, found);
		}
		free(names[i]);
	}
	free(names);
	if (found->n == before)
		check_complain(c, &at, "%s: there is no certificate in it",
			       given->directory);
}

/* False when none are given; of those that are something may be wrong. */
static bool check_certificates(struct check *c, struct conf_tls *tls)
{
	struct found found = {0};
	bool are_given = tls->n_certificates > 0;

	if (check_is_bad(c, &tls->certificates))
		return true;
	for (size_t i = 0; i < tls->n_certificates; i++) {
		const struct conf_certificate *given = &tls->certificates[i];
		struct location at = at_origin(&given->origin);

		if (given->chain == NULL || given->directory == NULL)
			continue; /* it could not be read */
		if (given->directory[0] != '\0' &&
		    (given->chain[0] != '\0' || given->key[0] != '\0' ||
		     given->ocsp[0] != '\0'))
			check_complain(c, &at,
				       "a directory stands in place of chain, key "
				       "and ocsp");
		else if (given->directory[0] != '\0')
			take_directory(c, given, &found);
		else if (given->chain[0] == '\0')
			check_complain(c, &at, "needs a chain or a directory");
		else
			take_files(c, given, &found);
	}
	tls->certificates = found.items;
	tls->n_certificates = found.n;
	return are_given;
}

/* What is inherited. */

static void set_versions(struct check *c, struct conf_tls *tls)
{
	if (tls->profile == CONF_TLS_MODERN && !check_is_given(c, &tls->versions))
		tls->versions = CONF_TLS_1_3;
}

static bool has_version(const struct conf_tls *tls, const struct tls_suite *suite)
{
	return tls->versions &
	       (suite->version == TLS_1_3 ? CONF_TLS_1_3 : CONF_TLS_1_2);
}

/* Where none are given: all of the versions. */
static void set_ciphers(struct check *c, struct conf_tls *tls)
{
	struct conf_strings *ciphers = &tls->ciphers;
	size_t n = 0;

	if (ciphers->n > 0)
		return;
	while (tls_suite_at(n) != NULL)
		n++;
	ciphers->items = arena_zalloc(&c->conf->arena, n, sizeof(*ciphers->items));
	for (size_t i = 0; i < n; i++)
		if (has_version(tls, tls_suite_at(i)))
			ciphers->items[ciphers->n++] =
				str_of(tls_suite_at(i)->name);
}

/* A version without a suite is none. */
static void check_ciphers(struct check *c, struct conf_tls *tls)
{
	struct location at = check_location(c, &tls->ciphers, "tls.ciphers");
	unsigned served = 0;

	for (size_t i = 0; i < tls->ciphers.n; i++) {
		const struct tls_suite *suite =
			tls_suite_find_name(tls->ciphers.items[i]);

		if (suite != NULL)
			served |= suite->version == TLS_1_3 ? CONF_TLS_1_3
							    : CONF_TLS_1_2;
	}
	if (check_is_given(c, &tls->ciphers) && tls->versions & ~served)
		check_complain(c, &at, "no suite is of %s, which is in versions",
			       tls->versions & ~served & CONF_TLS_1_2 ? "TLSv1.2"
								      : "TLSv1.3");
}

static void check_client(struct check *c, struct conf_tls_client *client)
{
	struct location at =
		check_location(c, &client->verify, "tls.client.verify");

	if (client->verify == CONF_CLIENT_NONE || client->ca == NULL ||
	    client->crl == NULL)
		return;
	if (client->ca[0] == '\0')
		check_complain(c, &at, "needs a ca");
	else
		(void)is_file(c, &at, client->ca);
	if (client->crl[0] != '\0')
		(void)is_file(c, &at, client->crl);
}

static void inherit(struct check *c, struct conf_tls *tls,
		    const struct conf_tls *top)
{
	if (!check_is_given(c, &tls->certificates)) {
		tls->certificates = top->certificates;
		tls->n_certificates = top->n_certificates;
	}
	if (!check_is_given(c, &tls->profile))
		tls->profile = top->profile;
	if (!check_is_given(c, &tls->versions) && !check_is_given(c, &tls->profile))
		tls->versions = top->versions;
	if (!check_is_given(c, &tls->ciphers) && tls->versions == top->versions)
		tls->ciphers = top->ciphers;
	if (!check_is_given(c, &tls->curves))
		tls->curves = top->curves;
	if (!check_is_given(c, &tls->unknown_name))
		tls->unknown_name = top->unknown_name;
	if (!check_is_given(c, &tls->client.verify))
		tls->client = top->client;
}

/* Listeners. */

/* `top_has_some`: the group at the top gives certificates. */
static void check_listener(struct check *c, struct conf_listener *l,
			   bool top_has_some)
{
	struct conf_tls *tls = l->tls;
	struct location at = at_origin(&l->origin);
	bool has_some = top_has_some;

	if (tls == NULL)
		return;
	if (tls->on == CONF_TLS_OFF) {
		l->tls = NULL;
		return;
	}
	if (l->n_by_name > 0)
		check_complain(c, &at, "tls ends here what by_name would pass on");
	if (check_is_given(c, &tls->certificates))
		has_some = check_certificates(c, tls);
	if (!has_some)
		check_complain(c, &at,
			       "tls needs certificates, here or in the "
			       "group tls");
	set_versions(c, tls);
	inherit(c, tls, &c->conf->tls);
	set_ciphers(c, tls);
	check_ciphers(c, tls);
	check_client(c, &tls->client);
}

void check_tls(struct check *c)
{
	struct conf_tls *top = &c->conf->tls;
	bool top_has_some = check_certificates(c, top);

	set_versions(c, top);
	set_ciphers(c, top);
	check_ciphers(c, top);
	check_client(c, &top->client);
	for (size_t i = 0; i < c->conf->n_listeners; i++)
		check_listener(c, &c->conf->listeners[i], top_has_some);
}
