/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker/handler/proxy/forward_retry.h"

#include "worker/handler/proxy/forward_state.h"

bool forward_is_idempotent(const struct forward *f)
{
	switch (f->x->request.method) {
	case METHOD_GET:
	case METHOD_HEAD:
	case METHOD_PUT:
	case METHOD_DELETE:
	case METHOD_OPTIONS:
	case METHOD_TRACE:
		return true;
	default:
		return false;
	}
}

static bool is_named(const struct forward *f, enum conf_retry cause)
{
	return f->upstream->conf->retry_on & 1u << cause;
}

bool forward_is_repeatable(const struct forward *f)
{
	return f->is_replayable &&
	       (forward_is_idempotent(f) || f->sent + f->whole_sent == 0 ||
		is_named(f, CONF_RETRY_NON_IDEMPOTENT));
}

bool forward_may_try_again(const struct forward *f, enum conf_retry cause)
{
	return is_named(f, cause) &&
	       (!f->is_received || cause >= CONF_RETRY_INVALID) &&
	       forward_is_repeatable(f);
}

bool forward_is_too_late(const struct forward *f)
{
	return f->total_until != 0 && forward_now(f) >= f->total_until;
}

bool forward_asks_another(const struct forward *f, unsigned status)
{
	static const struct {
		unsigned status;
		enum conf_retry cause;
	} causes[] = {
		{403, CONF_RETRY_403}, {404, CONF_RETRY_404}, {408, CONF_RETRY_408},
		{429, CONF_RETRY_429}, {500, CONF_RETRY_500}, {502, CONF_RETRY_502},
		{503, CONF_RETRY_503}, {504, CONF_RETRY_504},
	};

	if (f->n_tried > f->upstream->conf->retries ||
	    f->n_tried >= f->upstream->n_servers || forward_is_too_late(f))
		return false;
	for (size_t i = 0; i < sizeof(causes) / sizeof(*causes); i++)
		if (causes[i].status == status)
			return forward_may_try_again(f, causes[i].cause);
	return false;
}
