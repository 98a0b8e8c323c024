/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First the list of keys; then how they are read, saved and restored; then
 * signing. Nothing is fatal: a worker's request may be anything.
 */
#include "keeper/keys.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"

enum {
	KEYS_FILE = 1 << 20, /* bytes of a file with a key */
	KEYS_MEMORY = 64 << 20,
	RSA_BITS_MIN = 2048,
};

struct one_key {
	struct one_key *next;
	uint8_t id[KEEPER_ID];
	EVP_PKEY *pkey;
};

/* A file, by its path, as it was when it was loaded last. */
struct key_file {
	struct key_file *next;
	bool is_fine;
	uint8_t id[KEEPER_ID];
	const char *why; /* not */
	char path[KEEPER_DATA];
};

struct keys {
	struct one_key *first;
	struct key_file *files;
};

struct keys *keys_create(void)
{
	return mem_zalloc(1, sizeof(struct keys));
}

void keys_destroy(struct keys **keys)
{
	struct keys *all = *keys;

	*keys = NULL;
	while (all != NULL && all->first != NULL) {
		struct one_key *key = all->first;

		all->first = key->next;
		EVP_PKEY_free(key->pkey); /* which overwrites it */
		free(key);
	}
	while (all != NULL && all->files != NULL) {
		struct key_file *file = all->files;

		all->files = file->next;
		free(file);
	}
	free(all);
}

static struct key_file *find_file(const struct keys *keys, struct str path)
{
	struct key_file *file = keys->files;

	while (file != NULL && !str_equal(str_of(file->path), path))
		file = file->next;
	return file;
}

/* One that is there, or a new one. */
static struct key_file *get_file(struct keys *keys, struct str path)
{
	struct key_file *file = find_file(keys, path);

	if (file != NULL)
		return file;
	file = mem_zalloc(1, sizeof(*file));
	if (path.n < sizeof(file->path))
		memcpy(file->path, path.p, path.n);
	file->next = keys->files;
	keys->files = file;
	return file;
}

static struct one_key *find(const struct keys *keys, const uint8_t *id)
{
	struct one_key *key = keys->first;

	while (key != NULL && memcmp(key->id, id, KEEPER_ID) != 0)
		key = key->next;
	return key;
}

static bool get_id(EVP_PKEY *pkey, uint8_t id_out[KEEPER_ID])
{
	uint8_t *der = NULL;
	int n = i2d_PUBKEY(pkey, &der);

	if (n <= 0)
		return false;
	SHA256(der, (size_t)n, id_out);
	OPENSSL_free(der);
	return true;
}

/* Takes the key over. */
static void add(struct keys *keys, const uint8_t id[KEEPER_ID], EVP_PKEY *pkey)
{
	if (find(keys, id) != NULL) {
		EVP_PKEY_free(pkey);
		return;
	}
	struct one_key *key = mem_zalloc(1, sizeof(*key));

	memcpy(key->id, id, KEEPER_ID);
	key->pkey = pkey;
	key->next = keys->first;
	keys->first = key;
}

/* Reading. */

/* A file's content, NULL when it cannot be. free_secret() afterwards. */
static uint8_t *read_secret(int fd, size_t max, size_t *n_out)
{
	struct stat st;
	uint8_t *bytes;
	size_t n = 0;
	ssize_t m = 1;

	if (fstat(fd, &st) == -1 || st.st_size <= 0 || (size_t)st.st_size > max)
		return NULL;
	*n_out = (size_t)st.st_size;
	bytes = mem_alloc(*n_out);
	while (n < *n_out && m > 0) {
		m = pread(fd, bytes + n, *n_out - n, (off_t)n);
		n += m > 0 ? (size_t)m : 0;
	}
	*n_out = n;
	return bytes;
}

static void free_secret(uint8_t *bytes, size_t n)
{
	if (bytes != NULL)
		explicit_bzero(bytes, n);
	free(bytes);
}

static int no_password(char *buffer, int size, int is_for_writing, void *context)
{
	(void)buffer;
	(void)size;
	(void)is_for_writing;
	*(bool *)context = true; /* it was asked for */
	return -1;
}

/* Why it cannot be used; NULL: it can. */
static const char *judge(EVP_PKEY *pkey)
{
	if (EVP_PKEY_is_a(pkey, "RSA"))
		return EVP_PKEY_get_bits(pkey) < RSA_BITS_MIN
			       ? "an RSA key of less than 2048 bits"
		       : EVP_PKEY_get_size(pkey) > KEEPER_SIGNATURE
			       ? "an RSA key of more than 8192 bits"
			       : NULL;
	if (EVP_PKEY_is_a(pkey, "EC") || EVP_PKEY_is_a(pkey, "ED25519"))
		return NULL;
	return "neither an RSA, an ECDSA nor an Ed25519 key";
}

static EVP_PKEY *parse(const uint8_t *bytes, size_t n, const char **why_out)
{
	BIO *bio = BIO_new_mem_buf(bytes, (int)n);
	bool is_encrypted = false;
	EVP_PKEY *pkey = bio == NULL
				 ? NULL
				 : PEM_read_bio_PrivateKey(bio, NULL, no_password,
							   &is_encrypted);

	BIO_free(bio);
	if (pkey == NULL) {
		*why_out = is_encrypted ? "the key is encrypted"
					: "there is no private key in PEM";
		return NULL;
	}
	*why_out = judge(pkey);
	if (*why_out != NULL) {
		EVP_PKEY_free(pkey);
		return NULL;
	}
	return pkey;
}

const char *keys_load(struct keys *keys, const char *path, int fd)
{
	struct key_file *file = get_file(keys, str_of(path));
	size_t n = 0;
	uint8_t *bytes = read_secret(fd, KEYS_FILE, &n);
	EVP_PKEY *pkey = NULL;

	file->why = "it cannot be read, or is empty or too large";
	if (bytes != NULL)
		pkey = parse(bytes, n, &file->why);
	free_secret(bytes, n);
	file->is_fine = pkey != NULL && get_id(pkey, file->id);
	if (file->is_fine) {
		file->why = NULL;
		add(keys, file->id, pkey);
	} else if (pkey != NULL) {
		file->why = "its public half cannot be made";
		EVP_PKEY_free(pkey);
	}
	return file->why;
}

/* Keys are DER, files a digest and a path; each after its kind and length. */

struct saved {
	uint32_t is_file;
	uint32_t n;
};

static bool write_all(int fd, const void *p, size_t n)
{
	return write(fd, p, n) == (ssize_t)n;
}

static bool save_key(const struct one_key *key, int fd)
{
	uint8_t *der = NULL;
	int n = i2d_PrivateKey(key->pkey, &der);
	struct saved saved = {false, (uint32_t)n};
	bool is_saved = n > 0 && write_all(fd, &saved, sizeof(saved)) &&
			write_all(fd, der, saved.n);

	if (n > 0)
		OPENSSL_clear_free(der, (size_t)n);
	return is_saved;
}

/* Of one that was not fine the next keeper knows nothing. */
static bool save_file(const struct key_file *file, int fd)
{
	struct saved saved = {true, (uint32_t)(KEEPER_ID + strlen(file->path))};

	return !file->is_fine || (write_all(fd, &saved, sizeof(saved)) &&
				  write_all(fd, file->id, KEEPER_ID) &&
				  write_all(fd, file->path, strlen(file->path)));
}

int keys_save(const struct keys *keys)
{
	int fd = fd_open_memory("holdfast-keys");
	bool is_saved = fd != -1;

	for (struct one_key *key = keys->first; is_saved && key != NULL;
	     key = key->next)
		is_saved = save_key(key, fd);
	for (struct key_file *file = keys->files; is_saved && file != NULL;
	     file = file->next)
		is_saved = save_file(file, fd);
	if (!is_saved) {
		fd_close(&fd);
		return -1;
	}
	/* Where there is no memfd_create(2) it is a file without a name, which
	 * cannot be sealed. */
	(void)fcntl(fd, F_ADD_SEALS,
		    F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
	return fd;
}

static bool restore_key(struct keys *keys, const uint8_t *der, size_t n)
{
	EVP_PKEY *pkey = d2i_AutoPrivateKey(NULL, &der, (long)n);
	uint8_t id[KEEPER_ID];

	if (pkey == NULL || !get_id(pkey, id)) {
		EVP_PKEY_free(pkey);
		return false;
	}
	add(keys, id, pkey);
	return true;
}

static bool restore_file(struct keys *keys, const uint8_t *bytes, size_t n)
{
	if (n < KEEPER_ID)
		return false;
	struct str path = {(const char *)bytes + KEEPER_ID, n - KEEPER_ID};
	struct key_file *file = get_file(keys, path);

	memcpy(file->id, bytes, KEEPER_ID);
	file->is_fine = true;
	return true;
}

bool keys_restore(struct keys *keys, int fd)
{
	size_t n = 0, at = 0;
	uint8_t *bytes = read_secret(fd, KEYS_MEMORY, &n);
	struct saved saved;
	bool is_fine = bytes != NULL;

	while (is_fine && n - at >= sizeof(saved)) {
		memcpy(&saved, bytes + at, sizeof(saved));
		at += sizeof(saved);
		is_fine = saved.n <= n - at &&
			  (saved.is_file ? restore_file
					 : restore_key)(keys, bytes + at, saved.n);
		at += saved.n;
	}
	free_secret(bytes, n);
	return is_fine;
}

/* Signing. */

static const char *const digests[KEEPER_DIGESTS] = {
	[KEEPER_SHA256] = "SHA256",
	[KEEPER_SHA384] = "SHA384",
	[KEEPER_SHA512] = "SHA512",
};

static bool set_padding(EVP_PKEY_CTX *context, EVP_PKEY *pkey,
			enum keeper_padding padding)
{
	if (!EVP_PKEY_is_a(pkey, "RSA"))
		return padding == KEEPER_PADDING_NONE;
	if (padding == KEEPER_PKCS1)
		return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) > 0;
	return padding == KEEPER_PSS &&
	       EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) > 0 &&
	       EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) >
		       0;
}

static bool sign(EVP_PKEY *pkey, const struct keeper_request *request,
		 struct keeper_answer *answer)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY_CTX *inner;
	size_t n = sizeof(answer->signature);
	bool is_done =
		context != NULL &&
		EVP_DigestSignInit_ex(context, &inner, digests[request->digest],
				      NULL, NULL, pkey, NULL) == 1 &&
		set_padding(inner, pkey, request->padding) &&
		EVP_DigestSign(context, answer->signature, &n, request->data,
			       request->n_data) == 1;

	EVP_MD_CTX_free(context);
	answer->n_signature = is_done ? (uint16_t)n : 0;
	return is_done;
}

/* Whether the file at that path has the key. */
static void compare(const struct keys *keys, const struct keeper_request *request,
		    struct keeper_answer *answer)
{
	struct str path = {(const char *)request->data, request->n_data};
	const struct key_file *file = find_file(keys, path);
	const char *why = "it is not known";

	answer->is_done = file != NULL && file->is_fine &&
			  memcmp(file->id, request->key, KEEPER_ID) == 0;
	if (file != NULL)
		why = file->is_fine ? "the private key does not fit the certificate"
				    : file->why;
	if (answer->is_done)
		return;
	answer->n_signature = (uint16_t)strlen(why);
	memcpy(answer->signature, why, answer->n_signature);
}

void keys_answer(const struct keys *keys, const struct keeper_request *request,
		 struct keeper_answer *answer_out)
{
	struct one_key *key = find(keys, request->key);

	memset(answer_out, 0, sizeof(*answer_out));
	answer_out->number = request->number;
	if (request->n_data > KEEPER_DATA || request->digest >= KEEPER_DIGESTS ||
	    request->padding >= KEEPER_PADDINGS)
		return;
	if (request->type == KEEPER_FITS)
		compare(keys, request, answer_out);
	else if (request->type == KEEPER_SIGN && key != NULL)
		answer_out->is_done = sign(key->pkey, request, answer_out);
}
