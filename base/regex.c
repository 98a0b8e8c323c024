/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"

enum {
	REGEX_STEPS = 100000, /* a millisecond or so of backtracking */
	REGEX_DEPTH = 10000,
	REGEX_HEAP_KIB = 1024,
	REGEX_STACK_MIN = 32 * 1024, /* of the compiled code, in bytes */
	REGEX_STACK_MAX = 512 * 1024,
};

struct regex {
	pcre2_code *code;
	pcre2_match_data *data; /* of the last match */
	uint32_t n_groups;
};

/* Shared by all patterns of the process. */
static pcre2_match_context *context;

static pcre2_match_context *shared_context(void)
{
	pcre2_jit_stack *stack;

	if (context != NULL)
		return context;
	context = pcre2_match_context_create(NULL);
	stack = pcre2_jit_stack_create(REGEX_STACK_MIN, REGEX_STACK_MAX, NULL);
	if (context == NULL)
		log_fatal("out of memory");
	pcre2_set_match_limit(context, REGEX_STEPS);
	pcre2_set_depth_limit(context, REGEX_DEPTH);
	pcre2_set_heap_limit(context, REGEX_HEAP_KIB);
	if (stack != NULL) /* if not, PCRE2 uses the machine stack */
		pcre2_jit_stack_assign(context, NULL, stack);
	return context;
}

static const char *explain(struct arena *arena, int error, size_t at)
{
	PCRE2_UCHAR text[256];

	pcre2_get_error_message(error, text, sizeof(text));
	return arena_printf(arena, "at character %zu of the pattern: %s", at + 1,
			    (const char *)text)
		.p;
}

struct regex *regex_create(struct str pattern, struct arena *arena,
			   const char **why_out)
{
	int error;
	size_t at;
	uint32_t options = PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_UTF;
	pcre2_code *code = pcre2_compile((PCRE2_SPTR)pattern.p, pattern.n, options,
					 &error, &at, NULL);

	if (code == NULL) {
		*why_out = explain(arena, error, at);
		return NULL;
	}
	struct regex *regex = mem_zalloc(1, sizeof(*regex));

	regex->code = code;
	/* Without the JIT compiler it is interpreted. */
	(void)pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
	regex->data = pcre2_match_data_create_from_pattern(code, NULL);
	if (regex->data == NULL)
		log_fatal("out of memory");
	pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &regex->n_groups);
	return regex;
}

void regex_destroy(struct regex **regex)
{
	if (*regex == NULL)
		return;
	pcre2_match_data_free((*regex)->data);
	pcre2_code_free((*regex)->code);
	free(*regex);
	*regex = NULL;
}

bool regex_find_group(const struct regex *regex, struct str name,
		      uint32_t *number_out)
{
	uint64_t number;
	char text[64];

	if (str_to_u64(name, &number)) {
		*number_out = (uint32_t)number;
		return number <= regex->n_groups;
	}
	if (name.n >= sizeof(text))
		return false;
	memcpy(text, name.p, name.n);
	text[name.n] = '\0';
	int found = pcre2_substring_number_from_name(regex->code, (PCRE2_SPTR)text);

	*number_out = found > 0 ? (uint32_t)found : 0;
	return found > 0;
}

enum regex_result regex_match(struct regex *regex, struct str text)
{
	int n = pcre2_match(regex->code, (PCRE2_SPTR)text.p, text.n, 0, 0,
			    regex->data, shared_context());

	if (n >= 0)
		return REGEX_MATCHES;
	return n == PCRE2_ERROR_NOMATCH ? REGEX_DIFFERS : REGEX_TOO_HARD;
}

struct str *regex_captures(const struct regex *regex, struct str text,
			   struct arena *arena)
{
	const PCRE2_SIZE *offsets = pcre2_get_ovector_pointer(regex->data);
	size_t n = regex->n_groups + 1;
	struct str *captures = arena_zalloc(arena, n, sizeof(*captures));

	for (size_t i = 0; i < n; i++) {
		size_t from = offsets[2 * i], to = offsets[2 * i + 1];

		/* "\\K" in a look-around can end a match before it begins. */
		if (from != PCRE2_UNSET && from <= to)
			captures[i] = (struct str){text.p + from, to - from};
	}
	return captures;
}
