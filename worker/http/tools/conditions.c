/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker/http/tools/conditions.h"

#include "base/codec/date.h"
#include "base/codec/etag.h"

/* Whether any line of a list field has the tag. */
static bool lists(const struct exchange *x, enum field_id id, struct str etag,
		  enum etag_compare compare)
{
	for (size_t i = 0; i < x->request.n_fields; i++)
		if (x->request.fields[i].id == id &&
		    etag_list_has(x->request.fields[i].value, etag, compare))
			return true;
	return false;
}

/* The date of a field. False if it is no date, or there are several, or it is not
 * known when the representation was modified: then the field is ignored
 * (sections 13.1.3 and 13.1.4). */
static bool get_date(const struct exchange *x, enum field_id id,
		     const struct validators *v, time_t *date_out)
{
	struct str value;

	return v->modified != 0 && request_sole_field(&x->request, id, &value) &&
	       http_date_parse(value, time(NULL), date_out);
}

static bool is_unmodified(const struct exchange *x, const struct validators *v)
{
	time_t date;

	if (request_has(&x->request, FIELD_IF_MATCH))
		return lists(x, FIELD_IF_MATCH, v->etag, ETAG_STRONG);
	return !request_has(&x->request, FIELD_IF_UNMODIFIED_SINCE) ||
	       !get_date(x, FIELD_IF_UNMODIFIED_SINCE, v, &date) ||
	       v->modified <= date;
}

static bool is_modified(const struct exchange *x, const struct validators *v,
			bool is_read)
{
	time_t date;

	if (request_has(&x->request, FIELD_IF_NONE_MATCH))
		return !lists(x, FIELD_IF_NONE_MATCH, v->etag, ETAG_WEAK);
	return !is_read || !request_has(&x->request, FIELD_IF_MODIFIED_SINCE) ||
	       !get_date(x, FIELD_IF_MODIFIED_SINCE, v, &date) ||
	       v->modified > date;
}

enum conditions_result conditions_check(const struct exchange *x,
					const struct validators *v)
{
	enum conf_method method = x->request.method;
	bool is_read = method == METHOD_GET || method == METHOD_HEAD;

	if (!is_unmodified(x, v))
		return CONDITIONS_FAILED;
	if (is_modified(x, v, is_read))
		return CONDITIONS_MET;
	return is_read ? CONDITIONS_NOT_MODIFIED : CONDITIONS_FAILED;
}

bool conditions_allow_range(const struct exchange *x, const struct validators *v)
{
	struct str value;
	time_t now = time(NULL), date;

	if (!request_has(&x->request, FIELD_IF_RANGE))
		return true;
	if (!request_sole_field(&x->request, FIELD_IF_RANGE, &value))
		return false;
	if (etag_matches(value, v->etag, ETAG_STRONG))
		return true;
	/* A date identifies a version only after its second is over (section
	 * 8.8.2.2). */
	return v->modified != 0 && http_date_parse(value, now, &date) &&
	       date == v->modified && v->modified < now;
}
