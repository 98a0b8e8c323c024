/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker/http/refusal.h"

#include "base/log.h"
#include "base/quote.h"

/* Without the empty line that may stand before it (RFC 9112 section 2.2). */
static struct str first_line(struct str sent, bool *is_cut_out)
{
	size_t n = 0;

	while (sent.n > 0 && (sent.p[0] == '\r' || sent.p[0] == '\n'))
		sent = str_tail(sent, 1);
	while (n < sent.n && n < REFUSAL_LINE_MAX && sent.p[n] != '\r' &&
	       sent.p[n] != '\n')
		n++;
	*is_cut_out = n == REFUSAL_LINE_MAX && n < sent.n;
	sent.n = n;
	return sent;
}

void refusal_log(const struct endpoint *peer, unsigned status, const char *why,
		 struct str sent)
{
	char ip[ADDR_TEXT], text[QUOTE_LOG_GROWTH * REFUSAL_LINE_MAX];
	bool is_cut;
	struct str line = first_line(sent, &is_cut);
	int n = (int)(quote_log(text, line) - text);

	if (n == 0)
		log_client(LOG_LEVEL_INFO, "%s: refused with %u: %s",
			   endpoint_ip(peer, ip), status, why);
	else
		log_client(LOG_LEVEL_INFO, "%s: refused with %u: %s: \"%.*s%s\"",
			   endpoint_ip(peer, ip), status, why, n, text,
			   is_cut ? "..." : "");
}
