/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/codec/tls_suite.h"

#define OF_1_3(number, cipher, key, hash, hash_size, text)                       \
	{                                                                        \
		.id = (number), .version = TLS_1_3, .aead = (cipher),            \
		.key_size = (key), .secret_size = (hash_size), .digest = (hash), \
		.name = (text), .openssl_name = (text)                           \
	}
#define OF_1_2(number, cipher, key, explicit, hash, hash_size, text, other)    \
	{                                                                      \
		.id = (number), .version = TLS_1_2, .aead = (cipher),          \
		.key_size = (key), .secret_size = (hash_size),                 \
		.explicit_size = (explicit), .digest = (hash), .name = (text), \
		.openssl_name = (other)                                        \
	}

static const struct tls_suite suites[] = {
	OF_1_3(0x1301, TLS_AES_128_GCM, 16, "SHA256", 32, "TLS_AES_128_GCM_SHA256"),
	OF_1_3(0x1302, TLS_AES_256_GCM, 32, "SHA384", 48, "TLS_AES_256_GCM_SHA384"),
	OF_1_3(0x1303, TLS_CHACHA20_POLY1305, 32, "SHA256", 32,
	       "TLS_CHACHA20_POLY1305_SHA256"),
	OF_1_2(0xc02b, TLS_AES_128_GCM, 16, 8, "SHA256", 32,
	       "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
	       "ECDHE-ECDSA-AES128-GCM-SHA256"),
	OF_1_2(0xc02c, TLS_AES_256_GCM, 32, 8, "SHA384", 48,
	       "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
	       "ECDHE-ECDSA-AES256-GCM-SHA384"),
	OF_1_2(0xc02f, TLS_AES_128_GCM, 16, 8, "SHA256", 32,
	       "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
	       "ECDHE-RSA-AES128-GCM-SHA256"),
	OF_1_2(0xc030, TLS_AES_256_GCM, 32, 8, "SHA384", 48,
	       "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
	       "ECDHE-RSA-AES256-GCM-SHA384"),
	OF_1_2(0xcca8, TLS_CHACHA20_POLY1305, 32, 0, "SHA256", 32,
	       "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
	       "ECDHE-RSA-CHACHA20-POLY1305"),
	OF_1_2(0xcca9, TLS_CHACHA20_POLY1305, 32, 0, "SHA256", 32,
	       "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
	       "ECDHE-ECDSA-CHACHA20-POLY1305"),
};

const struct tls_suite *tls_suite_find(uint16_t id)
{
	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++)
		if (suites[i].id == id)
			return &suites[i];
	return NULL;
}

const struct tls_suite *tls_suite_find_name(struct str name)
{
	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++)
		if (str_equal(name, str_of(suites[i].name)) ||
		    str_equal(name, str_of(suites[i].openssl_name)))
			return &suites[i];
	return NULL;
}

const struct tls_suite *tls_suite_at(size_t i)
{
	return i < sizeof(suites) / sizeof(suites[0]) ? &suites[i] : NULL;
}
