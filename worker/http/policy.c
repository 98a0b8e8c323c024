/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker/http/policy.h"

#include "worker/http/access.h"
#include "worker/http/exchange.h"
#include "worker/http/http.h"

struct policy {
	const struct access *access;
};

int policy_create(struct http *http, const struct conf_common *conf,
		  struct policy **policy_out, const char **why_out)
{
	struct policy policy = {
		.access = access_create(&http->arena, &conf->allow, &conf->deny),
	};

	(void)why_out;
	*policy_out = NULL;
	if (policy.access == NULL)
		return 0;
	*policy_out = arena_alloc(&http->arena, sizeof(policy));
	**policy_out = policy;
	return 0;
}

unsigned policy_admit(const struct policy *policy, struct exchange *x)
{
	if (policy->access != NULL && !access_allows(policy->access, &x->peer))
		return 403;
	return 0;
}
