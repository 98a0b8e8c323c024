/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker/http/policy/real_ip.h"

#include "worker/http/exchange.h"
#include "worker/http/http.h"
#include "worker/http/policy/access.h"

/* Cuts off the part after the last comma and returns it; without a comma the
 * rest's p becomes NULL. */
static struct str cut_last(struct str *rest)
{
	struct str all = *rest;

	for (size_t i = all.n; i > 0; i--) {
		if (all.p[i - 1] != ',')
			continue;
		rest->n = i - 1;
		return str_tail(all, i);
	}
	*rest = (struct str){NULL, 0};
	return all;
}

/* "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]",
 * "[2001:db8::1]:80". */
static bool parse(struct str text, struct endpoint *endpoint_out)
{
	struct str rest = text, ip = text;
	uint64_t port = 0;

	if (text.n > 0 && text.p[0] == '[') {
		rest = str_tail(text, 1);
		ip = str_cut(&rest, ']');
		if (rest.p == NULL || (rest.n > 0 && rest.p[0] != ':'))
			return false;
		rest = rest.n > 0 ? str_tail(rest, 1) : (struct str){NULL, 0};
	} else {
		ip = str_cut(&rest, ':');
		if (rest.p != NULL && memchr(rest.p, ':', rest.n) != NULL) {
			ip = text; /* of IPv6, without a port */
			rest.p = NULL;
		}
	}
	if (rest.p != NULL && (!str_to_u64(rest, &port) || port > UINT16_MAX))
		return false;
	if (ip.n == 0 || !endpoint_parse_ip(ip, endpoint_out))
		return false;
	endpoint_out->port = (uint16_t)port;
	return true;
}

/* True when the walk goes on before this value. */
static bool walk(const struct access *proxies, struct str value,
		 struct endpoint *peer)
{
	while (value.p != NULL && access_allows(proxies, peer)) {
		struct endpoint before;

		if (!parse(str_trim(cut_last(&value)), &before))
			return false;
		*peer = before;
	}
	return value.p == NULL;
}

struct endpoint real_ip_of(const struct exchange *x)
{
	const struct access *proxies = x->http->proxies;
	struct str name = str_of(x->http->conf->real_ip.field);
	const struct request *r = &x->request;
	struct endpoint peer = x->connection->peer;

	if (!access_allows(proxies, &peer))
		return peer;
	/* Several fields of that name are one list (RFC 9110 section 5.3). */
	for (size_t i = r->n_fields; i > 0; i--)
		if (str_equal_nocase(r->fields[i - 1].name, name) &&
		    !walk(proxies, r->fields[i - 1].value, &peer))
			break;
	return peer;
}
