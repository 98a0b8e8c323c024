/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rules are sorted by width, narrowest first, and those of one width by
 * address: a look-up is one binary search for each width that there is,
 * however long a list of single addresses may be.
 */
#include "worker/http/policy/access.h"

#include <stdlib.h>
#include <string.h>

struct rule {
	struct network network;
	bool allows;
};

/* The rules of one family and width. */
struct width {
	const struct rule *rules;
	size_t n;
};

struct access {
	struct rule *rules;
	size_t n_rules;
	struct width *widths; /* narrowest first */
	size_t n_widths;
	bool otherwise; /* what holds when no rule does */
};

static int compare_ips(const struct rule *a, const struct rule *b)
{
	return memcmp(a->network.ip, b->network.ip, sizeof(a->network.ip));
}

static int compare_rules(const void *left, const void *right)
{
	const struct rule *a = left, *b = right;
	int rank = network_rank(&b->network) - network_rank(&a->network);

	if (rank != 0)
		return rank;
	return a->network.family != b->network.family
		       ? a->network.family - b->network.family
		       : compare_ips(a, b);
}

static void add_rules(struct access *access, const struct conf_networks *networks,
		      bool allows)
{
	for (size_t i = 0; i < networks->n; i++)
		access->rules[access->n_rules++] = (struct rule){
			.network = networks->items[i], .allows = allows};
}

static bool same_width(const struct rule *a, const struct rule *b)
{
	return a->network.family == b->network.family &&
	       a->network.bits == b->network.bits;
}

static void find_widths(struct access *access)
{
	for (size_t i = 0; i < access->n_rules; i++) {
		const struct rule *rule = &access->rules[i];

		if (i == 0 || !same_width(rule, rule - 1))
			access->widths[access->n_widths++].rules = rule;
		access->widths[access->n_widths - 1].n++;
	}
}

struct access *access_create(struct arena *arena, const struct conf_networks *allow,
			     const struct conf_networks *deny)
{
	size_t n = allow->n + deny->n;

	if (n == 0)
		return NULL;
	struct access *access = arena_zalloc(arena, 1, sizeof(*access));

	access->rules = arena_zalloc(arena, n, sizeof(*access->rules));
	access->widths = arena_zalloc(arena, n, sizeof(*access->widths));
	access->otherwise = allow->n == 0;
	add_rules(access, allow, true);
	add_rules(access, deny, false);
	qsort(access->rules, n, sizeof(*access->rules), compare_rules);
	find_widths(access);
	return access;
}

/* The network as wide as `like` that the peer is in. */
static struct rule rule_around(const struct network *like,
			       const struct endpoint *peer)
{
	struct rule rule = {.network = *like};
	size_t whole = like->bits / 8;

	memset(rule.network.ip, 0, sizeof(rule.network.ip));
	memcpy(rule.network.ip, peer->ip, whole);
	if (like->bits % 8 != 0)
		rule.network.ip[whole] =
			(uint8_t)(peer->ip[whole] & 0xff00 >> like->bits % 8);
	return rule;
}

/* The rule that decides; NULL when there is none. */
static const struct rule *find_rule(const struct access *access,
				    const struct endpoint *peer)
{
	for (size_t i = 0; i < access->n_widths; i++) {
		const struct width *width = &access->widths[i];
		const struct network *like = &width->rules[0].network;

		if (like->family != AF_UNSPEC && like->family != peer->family)
			continue;
		struct rule wanted = rule_around(like, peer);
		const struct rule *found = bsearch(&wanted, width->rules, width->n,
						   sizeof(wanted), compare_rules);

		if (found != NULL)
			return found;
	}
	return NULL;
}

bool access_allows(const struct access *access, const struct endpoint *peer)
{
	const struct rule *rule = find_rule(access, peer);

	return rule != NULL ? rule->allows : access->otherwise;
}

bool access_denied_by(const struct access *access, const struct endpoint *peer,
		      struct network *network_out)
{
	const struct rule *rule = find_rule(access, peer);

	if (rule != NULL)
		*network_out = rule->network;
	return rule != NULL;
}
