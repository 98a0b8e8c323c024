/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Templates taken apart: every variable, defaults, dollar signs, and what is
 * refused with a reason that helps.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "conf/template.h"

/* "literal<variable number,name,default>literal" */
static void describe(const struct template *t, struct buf *out)
{
	for (size_t i = 0; i < t->n_pieces; i++) {
		const struct template_piece *p = &t->pieces[i];

		if (p->variable == TEMPLATE_LITERAL) {
			assert_true(p->text.n > 0);
			assert_true(i == 0 || p[-1].variable != TEMPLATE_LITERAL);
			buf_put(out, p->text);
		} else {
			buf_printf(out, "<%d,%" STR_FMT ",%" STR_FMT ">",
				   (int)p->variable, STR_ARG(p->name),
				   STR_ARG(p->text));
		}
	}
	buf_put(out, (struct str){"", 1});
}

static void expect(const char *source, const char *pieces)
{
	struct arena arena = {0};
	struct template t;
	struct buf out = {0};
	const char *why = NULL;
	char *copy = strdup(source);

	/* Nothing may point into what was compiled. */
	assert_true(template_compile(&arena, str_of(copy), &t, &why));
	memset(copy, '!', strlen(copy));
	free(copy);
	describe(&t, &out);
	assert_string_equal(buf_str(&out).p, pieces);
	assert_true(str_equal(t.source, str_of(source)));
	assert_int_equal(t.is_literal, strchr(pieces, '<') == NULL);
	assert_int_equal(t.uses_form, strstr(source, "${form") != NULL);
	buf_release(&out);
	arena_fini(&arena);
}

static void refuse(const char *source, const char *says)
{
	struct arena arena = {0};
	struct template t;
	const char *why = NULL;

	assert_false(template_compile(&arena, str_of(source), &t, &why));
	assert_non_null(why);
	if (strstr(why, says) == NULL)
		fail_msg("%s: \"%s\" does not say \"%s\"", source, why, says);
	arena_fini(&arena);
}

static void literals(void **state)
{
	(void)state;
	expect("", "");
	expect("Hello\n", "Hello\n");
	expect("$", "$");
	expect("$$", "$");
	expect("$$$", "$$");
	expect("a $b $ c$", "a $b $ c$");
	expect("$${path}", "${path}");
	expect("}{$}", "}{$}");
	expect("\x01\xff", "\x01\xff");
}

static void variables(void **state)
{
	char pieces[64];

	(void)state;
	assert_int_equal(TEMPLATE_FORM_FIELD, 10);
	expect("${path}", "<1,,>");
	expect("${rest}", "<2,,>");
	expect("${query}", "<3,,>");
	expect("${method}${host}", "<4,,><5,,>");
	expect("${scheme} ${remote_addr} ${remote_port}", "<6,,> <7,,> <8,,>");
	expect("a${query.x}b", "a<9,x,>b");
	expect("${form.Na me.b}", "<10,Na me.b,>");
	snprintf(pieces, sizeof(pieces), "<%d,a,><%d,b,><%d,c.d,>",
		 TEMPLATE_FORM_FILENAME, TEMPLATE_FORM_TYPE, TEMPLATE_FORM_SIZE);
	expect("${form_filename.a}${form_type.b}${form_size.c.d}", pieces);
	expect("${header.X-Forwarded-For}", "<11,x-forwarded-for,>");
	expect("$$${path}$$", "$<1,,>$");
	expect("$${${path}", "${<1,,>");
}

static void defaults(void **state)
{
	(void)state;
	expect("${query.name:-world}", "<9,name,world>");
	expect("${path:-}", "<1,,>");
	expect("${query.a:b:-c:-d}", "<9,a:b,c:-d>");
	expect("${form.x:-${y}z", "<10,x,${y>z");
	expect("${header.A:- b\n}", "<11,a, b\n>");
}

static void wrong(void **state)
{
	(void)state;
	refuse("${", "\"}\" is missing");
	refuse("a ${path", "\"}\" is missing after \"${path\"");
	refuse("${path} ${path", "\"}\" is missing");
	refuse("${}", "variable is missing");
	refuse("${:-x}", "variable is missing");
	refuse("${query.}", "name is missing in \"${query.}\"");
	refuse("${form.:-x}", "name is missing");
	refuse("${form_size.}", "name is missing");
	refuse("${form_sizes.a}", "did you mean \"${form_size.a}\"");
	refuse("${pth}", "did you mean \"${path}\"?");
	refuse("${qeury.name}", "did you mean \"${query.name}\"?");
	refuse("${headers.host}", "did you mean \"${header.host}\"?");
	refuse("${remote_adr}", "did you mean \"${remote_addr}\"?");
	refuse("${zzzzzz}", "unknown variable \"${zzzzzz}\"");
	refuse("${ path}", "did you mean \"${path}\"?");
	refuse("${header.a b}", "does not name a header field");
	refuse("${header.a:b}", "does not name a header field");
	refuse("${header.\x80}", "does not name a header field");
	refuse("${path.x}", "unknown variable");
	refuse("${.}", "unknown variable");
	refuse("${time.lcoal}", "did you mean \"${time.local}\"?");
	refuse("${cookies.id}", "did you mean \"${cookie.id}\"?");
	refuse("${cookie.a b}", "does not name a cookie");
	refuse("${cookie.}", "name is missing");
}

/* What says "" is compiled at that moment, or refused with what is said. */
static void at(enum template_moment moment, const char *source, const char *says)
{
	struct arena arena = {0};
	struct template t;
	const char *why = "";

	if (template_compile_at(moment, &arena, str_of(source), &t, &why) !=
		    (says[0] == '\0') ||
	    strstr(why, says) == NULL)
		fail_msg("%s: \"%s\" does not say \"%s\"", source, why, says);
	arena_fini(&arena);
}

static void moments(void **state)
{
	static const char *const always[] = {"${path}",
					     "${target}",
					     "${protocol}",
					     "${route}",
					     "${request_id}",
					     "${connection}",
					     "${connection_requests}",
					     "${time}",
					     "${time.local}",
					     "${time.head}",
					     "${cookie.A}"};
	static const char *const answered[] = {"${status}", "${time.answer}",
					       "${sent.etag}"};
	static const char *const sent[] = {"${bytes}", "${time.send}",
					   "${time.total}"};

	(void)state;
	for (size_t i = 0; i < sizeof(always) / sizeof(*always); i++)
		for (int m = TEMPLATE_AT_REQUEST; m <= TEMPLATE_AT_END; m++)
			at((enum template_moment)m, always[i], "");
	for (size_t i = 0; i < 3; i++) {
		at(TEMPLATE_AT_REQUEST, answered[i],
		   "not known before there is a response");
		at(TEMPLATE_AT_RESPONSE, answered[i], "");
		at(TEMPLATE_AT_END, answered[i], "");
		at(TEMPLATE_AT_REQUEST, sent[i],
		   "not known before the response has been sent");
		at(TEMPLATE_AT_RESPONSE, sent[i],
		   "not known before the response has been sent");
		at(TEMPLATE_AT_END, sent[i], "");
	}
	at(TEMPLATE_AT_REQUEST, "${form.a}", "");
	at(TEMPLATE_AT_RESPONSE, "${form.a}", "");
	at(TEMPLATE_AT_END, "${match.1}", "not known any more");
	at(TEMPLATE_AT_END, "${form.a}", "not known any more");
	/* Nobody is pointed to what is not known. */
	at(TEMPLATE_AT_REQUEST, "${statsu}", "unknown variable \"${statsu}\"");
	at(TEMPLATE_AT_END, "${statsu}", "did you mean \"${status}\"?");
}

static void dash_at_the_end(void **state)
{
	struct arena arena = {0};
	struct template t;
	const char *why;

	(void)state;
	assert_true(template_compile_at(TEMPLATE_AT_END, &arena,
					STR("${path} ${host:-} ${sent.ETag:-x}"),
					&t, &why));
	assert_true(str_equal(t.pieces[0].text, STR("-")));
	assert_true(str_equal(t.pieces[2].text, STR("")));
	assert_true(str_equal(t.pieces[4].text, STR("x")));
	assert_true(str_equal(t.pieces[4].name, STR("etag")));
	arena_fini(&arena);
}

static void long_ones(void **state)
{
	struct arena arena = {0};
	struct template t;
	struct buf source = {0};
	const char *why;

	(void)state;
	for (int i = 0; i < 10000; i++)
		buf_printf(&source, "%d${path}", i);
	assert_true(template_compile(&arena, buf_str(&source), &t, &why));
	assert_int_equal(t.n_pieces, 20000);
	assert_true(str_equal(t.pieces[19998].text, STR("9999")));

	buf_put_cstr(&source, "${");
	for (int i = 0; i < 10000; i++)
		buf_put_cstr(&source, "x");
	assert_false(template_compile(&arena, buf_str(&source), &t, &why));
	assert_true(strlen(why) < 100);
	buf_put_cstr(&source, "}");
	assert_false(template_compile(&arena, buf_str(&source), &t, &why));
	buf_release(&source);
	arena_fini(&arena);
}

static int free_buffers(void **state)
{
	(void)state;
	buf_free_all();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(literals),        cmocka_unit_test(variables),
		cmocka_unit_test(defaults),        cmocka_unit_test(wrong),
		cmocka_unit_test(long_ones),       cmocka_unit_test(moments),
		cmocka_unit_test(dash_at_the_end),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, free_buffers);
}
