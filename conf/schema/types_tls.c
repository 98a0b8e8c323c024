/* SPDX-License-Identifier: BSD-2-Clause */
/* Types of settings of TLS. See conf/schema/types.h. */
#include "conf/schema/types.h"

#include <string.h>

#include "base/codec/tls_suite.h"
#include "conf/conf.h"

static const char *read_on(const struct setting_field *f,
			   struct setting_value value)
{
	int *field = f->field;

	if (value.form == SETTING_BOOLEAN)
		*field = value.boolean ? CONF_TLS_ON : CONF_TLS_OFF;
	else if (str_equal(value.text, STR("also")))
		*field = CONF_TLS_ALSO;
	else
		return "must be true, false or \"also\"";
	return NULL;
}

static void show_on(const struct setting_field *f, struct buf *out)
{
	static const char *const words[] = {
		[CONF_TLS_OFF] = "false",
		[CONF_TLS_ON] = "true",
		[CONF_TLS_ALSO] = "\"also\"",
	};

	buf_put_cstr(out, words[*(const int *)f->field]);
}

const struct setting_type type_tls_on = {
	.name = "true, false or \"also\"",
	.expects = "true, false, \"also\"",
	.forms = SETTING_BOOLEAN | SETTING_TEXT,
	.read = read_on,
	.show = show_on,
};

static const struct {
	struct str name;
	enum conf_tls_version version;
} versions[] = {
	{STR_INIT("TLSv1.2"), CONF_TLS_1_2},
	{STR_INIT("TLSv1.3"), CONF_TLS_1_3},
};

static void start_versions(const struct setting_field *f)
{
	*(unsigned *)f->field = 0;
}

static const char *read_version(const struct setting_field *f, struct str item)
{
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
		if (str_equal(item, versions[i].name)) {
			*(unsigned *)f->field |= versions[i].version;
			return NULL;
		}
	return "must be \"TLSv1.2\" or \"TLSv1.3\"";
}

static bool show_version(const struct setting_field *f, size_t i, struct buf *text)
{
	unsigned set = *(const unsigned *)f->field;

	for (size_t k = 0; k < sizeof(versions) / sizeof(versions[0]); k++)
		if (set & versions[k].version && i-- == 0) {
			buf_put(text, versions[k].name);
			return true;
		}
	return false;
}

const struct setting_type type_tls_versions = {
	.name = "list of versions",
	.expects = "a list of versions such as [ \"TLSv1.2\", \"TLSv1.3\" ]",
	.start = start_versions,
	.read_item = read_version,
	.show_item = show_version,
};

static void keep(const struct setting_field *f, struct str item)
{
	struct conf_strings *list = f->field;

	list->items[list->n++] = arena_copy(f->context->arena, item);
}

static bool show_item(const struct setting_field *f, size_t i, struct buf *text)
{
	const struct conf_strings *list = f->field;

	if (i < list->n)
		buf_put(text, list->items[i]);
	return i < list->n;
}

static const char *read_cipher(const struct setting_field *f, struct str item)
{
	const struct tls_suite *suite = tls_suite_find_name(item);

	if (suite == NULL)
		return "must be the name of a suite of TLS 1.3, or of TLS 1.2 with "
		       "ECDHE and AES-GCM or ChaCha20-Poly1305";
	keep(f, str_of(suite->name));
	return NULL;
}

const struct setting_type type_tls_ciphers = {
	.name = "list of cipher suites",
	.expects = "a list of suites such as [ \"TLS_AES_128_GCM_SHA256\" ]",
	.may_be_empty = true,
	.item_size = sizeof(struct str),
	.read_item = read_cipher,
	.show_item = show_item,
};

static const char *read_curve(const struct setting_field *f, struct str item)
{
	if (!str_equal(item, STR("X25519")) && !str_equal(item, STR("P-256")) &&
	    !str_equal(item, STR("P-384")))
		return "must be \"X25519\", \"P-256\" or \"P-384\"";
	keep(f, item);
	return NULL;
}

const struct setting_type type_tls_curves = {
	.name = "list of groups",
	.expects = "a list of groups such as [ \"X25519\", \"P-256\" ]",
	.item_size = sizeof(struct str),
	.read_item = read_curve,
	.show_item = show_item,
};
