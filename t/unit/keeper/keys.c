/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keys of the keeper: what is loaded, what signs, and what is refused. Keys
 * are made here; signatures are checked with their public halves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include "base/fd.h"
#include "keeper/keys.h"

static struct keys *keys;
static EVP_PKEY *rsa, *ec, *ed25519;

static int group_setup(void **state)
{
	(void)state;
	rsa = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
	ec = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	ed25519 = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	return rsa == NULL || ec == NULL || ed25519 == NULL;
}

static int group_teardown(void **state)
{
	(void)state;
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(ec);
	EVP_PKEY_free(ed25519);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	keys = keys_create();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	keys_destroy(&keys);
	assert_null(keys);
	return 0;
}

/* A file with that in it. */
static int file_with(const char *text, size_t n)
{
	int fd = fd_open_memory("test");

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, n), n);
	return fd;
}

static int file_of(EVP_PKEY *pkey, const char *password)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;

	assert_int_equal(PEM_write_bio_PrivateKey(
				 bio, pkey,
				 password != NULL ? EVP_aes_128_cbc() : NULL, NULL,
				 0, NULL, (void *)(uintptr_t)password),
			 1);
	long n = BIO_get_mem_data(bio, &text);
	int fd = file_with(text, (size_t)n);

	BIO_free(bio);
	return fd;
}

static void load(EVP_PKEY *pkey, const char *path)
{
	int fd = file_of(pkey, NULL);

	assert_null(keys_load(keys, path, fd));
	close(fd);
}

static struct keeper_request request_of(EVP_PKEY *pkey, uint32_t type)
{
	struct keeper_request request = {.type = type, .number = 7};
	uint8_t *der = NULL;
	int n = i2d_PUBKEY(pkey, &der);

	assert_true(n > 0);
	SHA256(der, (size_t)n, request.key);
	OPENSSL_free(der);
	return request;
}

static void put(struct keeper_request *request, const char *data)
{
	request->n_data = (uint16_t)strlen(data);
	memcpy(request->data, data, request->n_data);
}

static struct keeper_answer ask(const struct keeper_request *request)
{
	struct keeper_answer answer;

	keys_answer(keys, request, &answer);
	assert_int_equal(answer.number, request->number);
	return answer;
}

static struct keeper_answer sign(EVP_PKEY *pkey, uint8_t digest, uint8_t padding)
{
	struct keeper_request request = request_of(pkey, KEEPER_SIGN);

	put(&request, "what is signed");
	request.digest = digest;
	request.padding = padding;
	return ask(&request);
}

static void verifies(EVP_PKEY *pkey, const char *digest, int padding,
		     const struct keeper_answer *answer)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY_CTX *inner;

	assert_true(answer->is_done);
	assert_int_equal(EVP_DigestVerifyInit_ex(context, &inner, digest, NULL,
						 NULL, pkey, NULL),
			 1);
	if (padding != 0)
		assert_true(EVP_PKEY_CTX_set_rsa_padding(inner, padding) > 0);
	assert_int_equal(EVP_DigestVerify(context, answer->signature,
					  answer->n_signature,
					  (const uint8_t *)"what is signed", 14),
			 1);
	EVP_MD_CTX_free(context);
}

static void all_kinds_sign(void **state)
{
	struct keeper_answer answer;

	(void)state;
	load(rsa, "/rsa");
	load(ec, "/ec");
	load(ed25519, "/ed25519");
	answer = sign(rsa, KEEPER_SHA256, KEEPER_PSS);
	verifies(rsa, "SHA256", RSA_PKCS1_PSS_PADDING, &answer);
	answer = sign(rsa, KEEPER_SHA512, KEEPER_PKCS1);
	verifies(rsa, "SHA512", RSA_PKCS1_PADDING, &answer);
	answer = sign(ec, KEEPER_SHA384, KEEPER_PADDING_NONE);
	verifies(ec, "SHA384", 0, &answer);
	answer = sign(ed25519, KEEPER_DIGEST_NONE, KEEPER_PADDING_NONE);
	verifies(ed25519, NULL, 0, &answer);
}

static void nothing_else_is_done(void **state)
{
	struct keeper_request request;

	(void)state;
	load(rsa, "/rsa");
	load(ec, "/ec");
	/* The key of nobody. */
	assert_false(
		sign(ed25519, KEEPER_DIGEST_NONE, KEEPER_PADDING_NONE).is_done);
	/* RSA without padding could decrypt. */
	assert_false(sign(rsa, KEEPER_SHA256, KEEPER_PADDING_NONE).is_done);
	assert_false(sign(rsa, KEEPER_SHA256, KEEPER_PADDINGS).is_done);
	assert_false(sign(ec, KEEPER_DIGESTS, KEEPER_PADDING_NONE).is_done);
	assert_false(sign(ec, KEEPER_SHA256, KEEPER_PSS).is_done);
	request = request_of(ec, 9);
	put(&request, "what is signed");
	assert_false(ask(&request).is_done);
	request = request_of(ec, KEEPER_SIGN);
	request.n_data = KEEPER_DATA + 1;
	assert_false(ask(&request).is_done);
}

static bool fits(EVP_PKEY *pkey, const char *path, const char *why)
{
	struct keeper_request request = request_of(pkey, KEEPER_FITS);
	struct keeper_answer answer;

	put(&request, path);
	answer = ask(&request);
	assert_int_equal(answer.n_signature, answer.is_done ? 0 : strlen(why));
	if (!answer.is_done)
		assert_memory_equal(answer.signature, why, strlen(why));
	return answer.is_done;
}

static const char no_fit[] = "the private key does not fit the certificate";

static void a_file_has_the_key_that_is_in_it(void **state)
{
	(void)state;
	load(ec, "/one");
	assert_true(fits(ec, "/one", ""));
	assert_false(fits(rsa, "/one", no_fit));
	assert_false(fits(ec, "/other", "it is not known"));
	/* Now there is another one in it; the first one still signs for those
	 * who have its certificate. */
	load(rsa, "/one");
	assert_true(fits(rsa, "/one", ""));
	assert_false(fits(ec, "/one", no_fit));
	assert_true(sign(ec, KEEPER_SHA256, KEEPER_PADDING_NONE).is_done);
}

static void refuses(int fd, const char *why)
{
	assert_string_equal(keys_load(keys, "/bad", fd), why);
	assert_false(fits(ec, "/bad", why));
	close(fd);
}

static void what_is_no_key_is_refused(void **state)
{
	EVP_PKEY *weak = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1024);
	EVP_PKEY *other = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");

	(void)state;
	refuses(file_with("", 0), "it cannot be read, or is empty or too large");
	refuses(file_with("hello", 5), "there is no private key in PEM");
	refuses(file_of(ec, "secret"), "the key is encrypted");
	refuses(file_of(weak, NULL), "an RSA key of less than 2048 bits");
	refuses(file_of(other, NULL),
		"neither an RSA, an ECDSA nor an Ed25519 key");
	EVP_PKEY_free(weak);
	EVP_PKEY_free(other);
}

static void the_next_keeper_has_them(void **state)
{
	char byte = 0;

	(void)state;
	load(rsa, "/rsa");
	load(ec, "/ec");
	load(ed25519, "/ed25519");
	int fd = keys_save(keys);

	assert_true(fd >= 0);
	/* It is sealed. */
	assert_int_equal(write(fd, &byte, 1), -1);
	keys_destroy(&keys);
	keys = keys_create();
	assert_true(keys_restore(keys, fd));
	close(fd);
	assert_true(fits(rsa, "/rsa", ""));
	assert_true(fits(ec, "/ec", ""));
	assert_true(sign(ed25519, KEEPER_DIGEST_NONE, KEEPER_PADDING_NONE).is_done);
	fd = file_with("\0\0\0\0\xff\xff\0\0", 8);
	assert_false(keys_restore(keys, fd));
	close(fd);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(all_kinds_sign),
		TEST(nothing_else_is_done),
		TEST(a_file_has_the_key_that_is_in_it),
		TEST(what_is_no_key_is_refused),
		TEST(the_next_keeper_has_them),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
