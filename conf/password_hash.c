/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each kind of hash has a row in a table: how it begins, how it is checked, what
 * it costs, and how a password is compared with it. First the kinds of crypt(3),
 * then Apache's own, then those of LDAP. Any process.
 */
#include "conf/password_hash.h"

#include <stdlib.h>
#include <string.h>

#include "base/codec/base64.h"
#include "base/codec/digest.h"

#define HOW_TO "; make one with \"htpasswd -B\" or \"mkpasswd\""

static const char digits64[] =
	"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static unsigned value64(char c)
{
	const char *at = c != '\0' ? strchr(digits64, c) : NULL;

	return at != NULL ? (unsigned)(at - digits64) : 0;
}

static bool same(const char *a, const char *b, size_t n)
{
	unsigned difference = 0;

	for (size_t i = 0; i < n; i++)
		difference |= (unsigned char)(a[i] ^ b[i]);
	return difference == 0;
}

/* crypt(3). */

static bool is_known_to_crypt(struct str hash)
{
	int salt = crypt_checksalt(hash.p);

	return salt == CRYPT_SALT_OK || salt == CRYPT_SALT_METHOD_LEGACY ||
	       salt == CRYPT_SALT_TOO_CHEAP;
}

static bool crypt_matches(const char *hash, const char *password,
			  struct crypt_data *data)
{
	const char *made = crypt_rn(password, hash, data, (int)sizeof(*data));

	return made != NULL && strlen(made) == strlen(hash) &&
	       same(made, hash, strlen(hash));
}

/* $5$rounds=N$..., or the 5000 that crypt(5) has without. */
static uint64_t sha_cost(struct str hash)
{
	const char *rounds = strstr(hash.p, "rounds=");

	return (rounds != NULL ? strtoull(rounds + 7, NULL, 10) : 5000) / 2;
}

/* $2b$NN$: 2^NN rounds. */
static uint64_t bcrypt_cost(struct str hash)
{
	return (uint64_t)50 << (strtoul(hash.p + 4, NULL, 10) & 31);
}

/* Blocks of memory by the size of each; 4096 * 32 are 16 MiB. */
static uint64_t memory_cost(unsigned log2_blocks, uint64_t size)
{
	return ((uint64_t)1 << (log2_blocks & 31)) * size / 2;
}

/* $7$N, and five characters for r. */
static uint64_t scrypt_cost(struct str hash)
{
	return memory_cost(value64(hash.p[3]), 1 + value64(hash.p[4]));
}

/* $y$j9T$: flavour, log2 N - 1, r - 1. */
static uint64_t yescrypt_cost(struct str hash)
{
	const char *parameters = strchr(hash.p + 1, '$') + 1;

	return memory_cost(1 + value64(parameters[1]), 1 + value64(parameters[2]));
}

static uint64_t md5_cost(struct str hash)
{
	(void)hash;
	return 300;
}

static uint64_t no_cost(struct str hash)
{
	(void)hash;
	return 1;
}

/* $apr1$SALT$HASH: MD5 of crypt(3) with another magic. */

enum { APR1_SALT = 8, APR1_ROUNDS = 1000, APR1_HASH = 22 };

static void add(struct digest *d, const unsigned char *bytes, size_t n)
{
	digest_add(d, (struct str){(const char *)bytes, n});
}

static void apr1_first(struct str password, struct str salt,
		       unsigned char out[DIGEST_MAX])
{
	unsigned char inner[DIGEST_MAX];
	struct digest d;

	digest_init(&d, DIGEST_MD5);
	digest_add(&d, password);
	digest_add(&d, salt);
	digest_add(&d, password);
	digest_end(&d, inner);
	digest_init(&d, DIGEST_MD5);
	digest_add(&d, password);
	digest_add(&d, STR("$apr1$"));
	digest_add(&d, salt);
	for (size_t n = password.n; n > 0;
	     n -= n < DIGEST_MD5_SIZE ? n : DIGEST_MD5_SIZE)
		add(&d, inner, n < DIGEST_MD5_SIZE ? n : DIGEST_MD5_SIZE);
	for (size_t n = password.n; n > 0; n >>= 1)
		digest_add(&d, n & 1 ? (struct str){"\0", 1}
				     : (struct str){password.p, 1});
	digest_end(&d, out);
}

static void apr1_round(unsigned i, struct str password, struct str salt,
		       unsigned char value[DIGEST_MAX])
{
	struct digest d;

	digest_init(&d, DIGEST_MD5);
	if (i & 1)
		digest_add(&d, password);
	else
		add(&d, value, DIGEST_MD5_SIZE);
	if (i % 3 != 0)
		digest_add(&d, salt);
	if (i % 7 != 0)
		digest_add(&d, password);
	if (i & 1)
		add(&d, value, DIGEST_MD5_SIZE);
	else
		digest_add(&d, password);
	digest_end(&d, value);
}

static char *put64(char *to, unsigned value, int n)
{
	for (; n > 0; n--, value >>= 6)
		*to++ = digits64[value & 63];
	return to;
}

static void apr1_text(const unsigned char v[DIGEST_MD5_SIZE], char out[APR1_HASH])
{
	static const unsigned char order[5][3] = {
		{0, 6, 12}, {1, 7, 13}, {2, 8, 14}, {3, 9, 15}, {4, 10, 5}};

	for (size_t i = 0; i < 5; i++)
		out = put64(out,
			    (unsigned)v[order[i][0]] << 16 |
				    (unsigned)v[order[i][1]] << 8 | v[order[i][2]],
			    4);
	put64(out, v[11], 2);
}

/* The salt, and where the hash behind it begins. */
static struct str apr1_salt(struct str hash, struct str *text_out)
{
	*text_out = str_tail(hash, strlen("$apr1$"));
	return str_cut(text_out, '$');
}

static bool apr1_check(struct str hash)
{
	struct str text, salt = apr1_salt(hash, &text);

	return salt.n <= APR1_SALT && text.n == APR1_HASH;
}

static bool apr1_matches(const char *hash, const char *password,
			 struct crypt_data *data)
{
	struct str text, salt = apr1_salt(str_of(hash), &text);
	unsigned char value[DIGEST_MAX];
	char made[APR1_HASH];

	(void)data;
	apr1_first(str_of(password), salt, value);
	for (unsigned i = 0; i < APR1_ROUNDS; i++)
		apr1_round(i, str_of(password), salt, value);
	apr1_text(value, made);
	return same(made, text.p, APR1_HASH);
}

/* {SHA} and {SSHA}: Base64 of SHA-1 of the password and what follows that, the
 * salt (RFC 2307). */

static bool sha1_decode(struct str hash, char out[CRYPT_OUTPUT_SIZE], size_t *n_out)
{
	str_cut(&hash, '}');
	return hash.n < CRYPT_OUTPUT_SIZE && base64_decode(hash, out, n_out);
}

static bool sha1_check(struct str hash)
{
	char bytes[CRYPT_OUTPUT_SIZE];
	size_t n;

	if (!sha1_decode(hash, bytes, &n))
		return false;
	return str_starts_with(hash, STR("{SHA}")) ? n == DIGEST_SHA1_SIZE
						   : n > DIGEST_SHA1_SIZE;
}

static bool sha1_matches(const char *hash, const char *password,
			 struct crypt_data *data)
{
	char bytes[CRYPT_OUTPUT_SIZE];
	unsigned char made[DIGEST_MAX];
	struct digest d;
	size_t n;

	(void)data;
	if (!sha1_decode(str_of(hash), bytes, &n) || n < DIGEST_SHA1_SIZE)
		return false;
	digest_init(&d, DIGEST_SHA1);
	digest_add(&d, str_of(password));
	digest_add(&d,
		   (struct str){bytes + DIGEST_SHA1_SIZE, n - DIGEST_SHA1_SIZE});
	digest_end(&d, made);
	return same((const char *)made, bytes, DIGEST_SHA1_SIZE);
}

/* All kinds. */

/* A table, laid out by hand. */
/* clang-format off */
static const struct kind {
	struct str prefix;
	size_t digest; /* characters behind the last "$"; 0: by check() */
	bool (*check)(struct str hash);
	uint64_t (*cost)(struct str hash);
	bool (*matches)(const char *hash, const char *password,
			struct crypt_data *data);
} kinds[] = {
	{STR_INIT("$y$"), 43, is_known_to_crypt, yescrypt_cost, crypt_matches},
	{STR_INIT("$gy$"), 43, is_known_to_crypt, yescrypt_cost, crypt_matches},
	{STR_INIT("$7$"), 43, is_known_to_crypt, scrypt_cost, crypt_matches},
	{STR_INIT("$6$"), 86, is_known_to_crypt, sha_cost, crypt_matches},
	{STR_INIT("$5$"), 43, is_known_to_crypt, sha_cost, crypt_matches},
	{STR_INIT("$2a$"), 53, is_known_to_crypt, bcrypt_cost, crypt_matches},
	{STR_INIT("$2b$"), 53, is_known_to_crypt, bcrypt_cost, crypt_matches},
	{STR_INIT("$2y$"), 53, is_known_to_crypt, bcrypt_cost, crypt_matches},
	{STR_INIT("$1$"), 22, is_known_to_crypt, md5_cost, crypt_matches},
	{STR_INIT("$apr1$"), 22, apr1_check, md5_cost, apr1_matches},
	{STR_INIT("{SHA}"), 0, sha1_check, no_cost, sha1_matches},
	{STR_INIT("{SSHA}"), 0, sha1_check, no_cost, sha1_matches},
};
/* clang-format on */

static const struct kind *kind_of(struct str hash)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (str_starts_with(hash, kinds[i].prefix))
			return &kinds[i];
	return NULL;
}

const char *password_hash_check(struct str hash)
{
	const struct kind *kind = kind_of(hash);
	size_t digest = 0;

	if (kind == NULL)
		return "what follows the colon is not a hash that can be "
		       "used" HOW_TO;
	while (digest < hash.n && hash.p[hash.n - 1 - digest] != '$')
		digest++;
	if ((kind->digest != 0 && digest != kind->digest) ||
	    hash.n > PASSWORD_HASH_MAX)
		return "the hash is not whole" HOW_TO;
	return kind->check(hash) ? NULL : "crypt(3) cannot use such a hash" HOW_TO;
}

uint64_t password_hash_cost(struct str hash)
{
	return kind_of(hash)->cost(hash);
}

bool password_hash_matches(const char *hash, const char *password,
			   struct crypt_data *data)
{
	return kind_of(str_of(hash))->matches(hash, password, data);
}
