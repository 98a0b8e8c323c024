/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First keys: how they are made, and what OpenSSL asks of them. They can be
 * compared with public keys of other providers, which are imported for that,
 * and are never exported: OpenSSL would move them to a provider that can do
 * more, and find that a half is missing. Then signatures, which the keeper
 * makes of the whole message, digest included. Then the tables by which OpenSSL
 * finds both.
 */
#include "worker/tls/keeper_provider.h"

#include <string.h>
#include <strings.h>

#include <openssl/async.h>
#include <openssl/bn.h>
#include <openssl/core.h>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

enum key_kind { KIND_RSA, KIND_EC, KIND_ED25519 };

enum { PUBLIC_MAX = 1024 + 16 };

/* The parameter by which keeper_provider_key() hands over a struct key. */
#define PARAM_KEY "holdfast-key"
#define PROVIDER  "holdfast-keeper"
#define PROPERTY  "provider=" PROVIDER

struct key {
	enum key_kind kind;
	uint8_t id[KEEPER_ID];
	int bits, security_bits, max_size;
	char group[64];            /* of an elliptic curve */
	uint8_t bytes[PUBLIC_MAX]; /* the public half, to be compared */
	size_t n_bytes;
};

static struct keeper_client *keeper;
static struct keeper_waiter *current_waiter;
static OSSL_PROVIDER *loaded_default, *loaded;

/* Keys. */

static void *key_new(enum key_kind kind)
{
	struct key *key = OPENSSL_zalloc(sizeof(*key));

	if (key != NULL)
		key->kind = kind;
	return key;
}

static void *rsa_new(void *provider)
{
	(void)provider;
	return key_new(KIND_RSA);
}

static void *ec_new(void *provider)
{
	(void)provider;
	return key_new(KIND_EC);
}

static void *ed25519_new(void *provider)
{
	(void)provider;
	return key_new(KIND_ED25519);
}

static void key_free(void *key)
{
	OPENSSL_free(key);
}

static int key_has(const void *key, int selection)
{
	(void)key;
	(void)selection;
	return 1;
}

static int key_match(const void *a, const void *b, int selection)
{
	const struct key *one = a, *other = b;

	(void)selection;
	return one->kind == other->kind && one->n_bytes > 0 &&
	       one->n_bytes == other->n_bytes &&
	       memcmp(one->bytes, other->bytes, one->n_bytes) == 0;
}

/* The modulus of an RSA key, the point of others. */
static int get_public(struct key *key, const OSSL_PARAM *params)
{
	const OSSL_PARAM *p;
	void *bytes = key->bytes;
	BIGNUM *n = NULL;
	int size = 0;

	if (key->kind != KIND_RSA) {
		p = OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_PUB_KEY);
		return p != NULL &&
		       OSSL_PARAM_get_octet_string(p, &bytes, sizeof(key->bytes),
						   &key->n_bytes);
	}
	p = OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_RSA_N);
	if (p == NULL || !OSSL_PARAM_get_BN(p, &n))
		return 0;
	if (BN_num_bytes(n) <= PUBLIC_MAX)
		size = BN_bn2bin(n, key->bytes);
	BN_free(n);
	key->n_bytes = (size_t)size;
	return size > 0;
}

static int key_import(void *data, int selection, const OSSL_PARAM params[])
{
	struct key *key = data;
	const OSSL_PARAM *p = OSSL_PARAM_locate_const(params, PARAM_KEY);

	(void)selection;
	if (p == NULL)
		return get_public(key, params);
	if (p->data_size != sizeof(*key))
		return 0;
	memcpy(key, p->data, sizeof(*key));
	return 1;
}

static const OSSL_PARAM *key_import_types(int selection)
{
	static const OSSL_PARAM types[] = {
		OSSL_PARAM_octet_string(PARAM_KEY, NULL, 0),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_END,
	};

	(void)selection;
	return types;
}

static int set_int(OSSL_PARAM params[], const char *name, int value)
{
	OSSL_PARAM *p = OSSL_PARAM_locate(params, name);

	return p == NULL || OSSL_PARAM_set_int(p, value);
}

static int set_text(OSSL_PARAM params[], const char *name, const char *value)
{
	OSSL_PARAM *p = OSSL_PARAM_locate(params, name);

	return p == NULL || OSSL_PARAM_set_utf8_string(p, value);
}

static int key_get_params(void *data, OSSL_PARAM params[])
{
	const struct key *key = data;

	return set_int(params, OSSL_PKEY_PARAM_BITS, key->bits) &&
	       set_int(params, OSSL_PKEY_PARAM_SECURITY_BITS, key->security_bits) &&
	       set_int(params, OSSL_PKEY_PARAM_MAX_SIZE, key->max_size) &&
	       (key->kind != KIND_EC ||
		set_text(params, OSSL_PKEY_PARAM_GROUP_NAME, key->group)) &&
	       (key->kind == KIND_ED25519
			? set_text(params, OSSL_PKEY_PARAM_MANDATORY_DIGEST, "")
			: set_text(params, OSSL_PKEY_PARAM_DEFAULT_DIGEST,
				   "SHA256"));
}

static const OSSL_PARAM *key_gettable_params(void *provider)
{
	static const OSSL_PARAM params[] = {
		OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_MANDATORY_DIGEST, NULL, 0),
		OSSL_PARAM_END,
	};

	(void)provider;
	return params;
}

static const char *ec_operation(int operation)
{
	return operation == OSSL_OP_SIGNATURE ? "ECDSA" : NULL;
}

bool keeper_provider_id(EVP_PKEY *public_key, uint8_t id_out[KEEPER_ID])
{
	uint8_t *der = NULL;
	int n = i2d_PUBKEY(public_key, &der);

	if (n <= 0)
		return false;
	SHA256(der, (size_t)n, id_out);
	OPENSSL_free(der);
	return true;
}

static const char *const kind_names[] = {
	[KIND_RSA] = "RSA",
	[KIND_EC] = "EC",
	[KIND_ED25519] = "ED25519",
};

static bool find_kind(EVP_PKEY *public_key, enum key_kind *kind_out)
{
	for (int kind = KIND_RSA; kind <= KIND_ED25519; kind++) {
		*kind_out = kind;
		if (EVP_PKEY_is_a(public_key, kind_names[kind]))
			return true;
	}
	return false;
}

static bool describe(EVP_PKEY *public_key, struct key *key)
{
	OSSL_PARAM *params = NULL;
	size_t n;

	if (!find_kind(public_key, &key->kind) ||
	    !keeper_provider_id(public_key, key->id) ||
	    !EVP_PKEY_todata(public_key, EVP_PKEY_PUBLIC_KEY, &params))
		return false;
	bool is_done = get_public(key, params);

	OSSL_PARAM_free(params);
	key->bits = EVP_PKEY_get_bits(public_key);
	key->security_bits = EVP_PKEY_get_security_bits(public_key);
	key->max_size = EVP_PKEY_get_size(public_key);
	if (key->kind == KIND_EC)
		is_done = is_done &&
			  EVP_PKEY_get_group_name(public_key, key->group,
						  sizeof(key->group), &n) == 1;
	return is_done;
}

EVP_PKEY *keeper_provider_key(EVP_PKEY *public_key)
{
	struct key key = {0};
	EVP_PKEY *pkey = NULL;

	if (!describe(public_key, &key))
		return NULL;
	EVP_PKEY_CTX *context =
		EVP_PKEY_CTX_new_from_name(NULL, kind_names[key.kind], PROPERTY);
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(PARAM_KEY, &key, sizeof(key)),
		OSSL_PARAM_construct_end(),
	};

	if (context == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
	    EVP_PKEY_fromdata(context, &pkey, EVP_PKEY_KEYPAIR, params) != 1)
		pkey = NULL;
	EVP_PKEY_CTX_free(context);
	return pkey;
}

/* Signatures. */

struct signing {
	const struct key *key;
	uint8_t digest, padding;
};

void keeper_provider_set_waiter(struct keeper_waiter *waiter)
{
	current_waiter = waiter;
}

void keeper_provider_give_up(struct keeper_waiter *waiter)
{
	if (waiter->call == NULL)
		return;
	keeper_client_cancel(waiter->call);
	waiter->call->answer.is_done = 0;
	waiter->call->is_answered = true;
}

static void *signing_new(void *provider, const char *properties)
{
	(void)provider;
	(void)properties;
	return OPENSSL_zalloc(sizeof(struct signing));
}

static void signing_free(void *signing)
{
	OPENSSL_free(signing);
}

static int set_params(struct signing *s, const OSSL_PARAM params[])
{
	const OSSL_PARAM *p;
	int mode;

	p = params == NULL ? NULL
			   : OSSL_PARAM_locate_const(params,
						     OSSL_SIGNATURE_PARAM_PAD_MODE);
	if (p == NULL)
		return 1;
	if (!OSSL_PARAM_get_int(p, &mode) ||
	    (mode != RSA_PKCS1_PADDING && mode != RSA_PKCS1_PSS_PADDING))
		return 0;
	s->padding = mode == RSA_PKCS1_PADDING ? KEEPER_PKCS1 : KEEPER_PSS;
	return 1;
}

/* Of PSS, TLS has one length of salt: the digest's. */
static int signing_set_params(void *signing, const OSSL_PARAM params[])
{
	return set_params(signing, params);
}

static const OSSL_PARAM *signing_settable(void *signing, void *provider)
{
	static const OSSL_PARAM params[] = {
		OSSL_PARAM_int(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL),
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL, 0),
		OSSL_PARAM_END,
	};

	(void)signing;
	(void)provider;
	return params;
}

static int find_digest(const char *name)
{
	static const struct {
		const char *name;
		int digest;
	} names[] = {
		{"SHA256", KEEPER_SHA256}, {"SHA2-256", KEEPER_SHA256},
		{"SHA384", KEEPER_SHA384}, {"SHA2-384", KEEPER_SHA384},
		{"SHA512", KEEPER_SHA512}, {"SHA2-512", KEEPER_SHA512},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcasecmp(name, names[i].name) == 0)
			return names[i].digest;
	return -1;
}

static int signing_init(void *signing, const char *digest, void *key,
			const OSSL_PARAM params[])
{
	struct signing *s = signing;
	int found = KEEPER_DIGEST_NONE;

	if (key != NULL)
		s->key = key;
	if (s->key == NULL)
		return 0;
	if (s->key->kind != KIND_ED25519)
		found = digest == NULL ? -1 : find_digest(digest);
	if (found < 0)
		return 0;
	s->digest = (uint8_t)found;
	s->padding = s->key->kind == KIND_RSA ? KEEPER_PKCS1 : KEEPER_PADDING_NONE;
	return set_params(s, params);
}

static void on_answered(struct keeper_call *call)
{
	struct keeper_waiter *waiter = call->context;

	waiter->on_answered(waiter);
}

/* Runs in a job. True with the signature in call->answer. */
static bool ask(struct keeper_call *call)
{
	struct keeper_waiter *waiter = current_waiter;

	if (ASYNC_get_current_job() == NULL || waiter == NULL)
		return false;
	call->on_answered = on_answered;
	call->context = waiter;
	waiter->call = call;
	keeper_client_ask(keeper, call);
	/* It may be resumed for other reasons. */
	while (!call->is_answered)
		if (ASYNC_pause_job() != 1) {
			keeper_client_cancel(call);
			break;
		}
	waiter->call = NULL;
	return call->is_answered && call->answer.is_done;
}

static int signing_sign(void *signing, unsigned char *signature, size_t *n_out,
			size_t room, const unsigned char *data, size_t n)
{
	const struct signing *s = signing;
	struct keeper_call call = {.request = {.n_data = (uint16_t)n,
					       .digest = s->digest,
					       .padding = s->padding}};

	*n_out = (size_t)s->key->max_size;
	if (signature == NULL)
		return 1;
	if (n == 0 || n > KEEPER_DATA)
		return 0;
	memcpy(call.request.key, s->key->id, KEEPER_ID);
	memcpy(call.request.data, data, n);
	list_init(&call.link);
	if (!ask(&call) || call.answer.n_signature > room)
		return 0;
	memcpy(signature, call.answer.signature, call.answer.n_signature);
	*n_out = call.answer.n_signature;
	return 1;
}

/* The tables. */

typedef void (*function)(void);

#define KEY_FUNCTIONS(new_function)                                              \
	{OSSL_FUNC_KEYMGMT_NEW, (function)(new_function)},                       \
		{OSSL_FUNC_KEYMGMT_FREE, (function)key_free},                    \
		{OSSL_FUNC_KEYMGMT_HAS, (function)key_has},                      \
		{OSSL_FUNC_KEYMGMT_MATCH, (function)key_match},                  \
		{OSSL_FUNC_KEYMGMT_IMPORT, (function)key_import},                \
		{OSSL_FUNC_KEYMGMT_IMPORT_TYPES, (function)key_import_types},    \
		{OSSL_FUNC_KEYMGMT_GET_PARAMS, (function)key_get_params},        \
	{                                                                        \
		OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, (function)key_gettable_params \
	}

static const OSSL_DISPATCH rsa_functions[] = {KEY_FUNCTIONS(rsa_new), {0, NULL}};
static const OSSL_DISPATCH ec_functions[] = {
	KEY_FUNCTIONS(ec_new),
	{OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, (function)ec_operation},
	{0, NULL}};
static const OSSL_DISPATCH ed25519_functions[] = {KEY_FUNCTIONS(ed25519_new),
						  {0, NULL}};

static const OSSL_DISPATCH signing_functions[] = {
	{OSSL_FUNC_SIGNATURE_NEWCTX, (function)signing_new},
	{OSSL_FUNC_SIGNATURE_FREECTX, (function)signing_free},
	{OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, (function)signing_init},
	{OSSL_FUNC_SIGNATURE_DIGEST_SIGN, (function)signing_sign},
	{OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, (function)signing_set_params},
	{OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, (function)signing_settable},
	{0, NULL},
};

static const OSSL_ALGORITHM key_algorithms[] = {
	{"RSA:rsaEncryption:1.2.840.113549.1.1.1", PROPERTY, rsa_functions, NULL},
	{"EC:id-ecPublicKey:1.2.840.10045.2.1", PROPERTY, ec_functions, NULL},
	{"ED25519:1.3.101.112", PROPERTY, ed25519_functions, NULL},
	{NULL, NULL, NULL, NULL},
};

static const OSSL_ALGORITHM signature_algorithms[] = {
	{"RSA:rsaEncryption:1.2.840.113549.1.1.1", PROPERTY, signing_functions,
	 NULL},
	{"ECDSA", PROPERTY, signing_functions, NULL},
	{"ED25519:1.3.101.112", PROPERTY, signing_functions, NULL},
	{NULL, NULL, NULL, NULL},
};

static const OSSL_ALGORITHM *query(void *provider, int operation, int *no_cache)
{
	(void)provider;
	*no_cache = 0;
	return operation == OSSL_OP_KEYMGMT     ? key_algorithms
	       : operation == OSSL_OP_SIGNATURE ? signature_algorithms
						: NULL;
}

static const OSSL_DISPATCH provider_functions[] = {
	{OSSL_FUNC_PROVIDER_QUERY_OPERATION, (function)query},
	{0, NULL},
};

static int init(const OSSL_CORE_HANDLE *core, const OSSL_DISPATCH *from_core,
		const OSSL_DISPATCH **functions_out, void **context_out)
{
	(void)from_core;
	*functions_out = provider_functions;
	*context_out = (void *)(uintptr_t)core;
	return 1;
}

bool keeper_provider_load(struct keeper_client *client)
{
	keeper = client;
	if (loaded != NULL)
		return true;
	/* Ahead of ours: whoever does not ask for ours by name gets OpenSSL's. */
	loaded_default = OSSL_PROVIDER_load(NULL, "default");
	if (loaded_default == NULL ||
	    OSSL_PROVIDER_add_builtin(NULL, PROVIDER, init) != 1)
		return false;
	loaded = OSSL_PROVIDER_load(NULL, PROVIDER);
	return loaded != NULL;
}

void keeper_provider_unload(void)
{
	keeper = NULL;
	if (loaded == NULL)
		return;
	OSSL_PROVIDER_unload(loaded);
	OSSL_PROVIDER_unload(loaded_default);
	loaded = loaded_default = NULL;
}
