/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The settings of TLS, which are those of all listeners, and each listener may
 * have its own of. See conf/schema/schema.h.
 */
#include "conf/schema/conf_tls.h"

#include "conf/conf.h"
#include "conf/schema/types.h"

static bool verifies(const void *group)
{
	return ((const struct conf_tls_client *)group)->verify != CONF_CLIENT_NONE;
}

/* Tables, laid out by hand. */
/* clang-format off */

#define AT(field) .offset = offsetof(struct conf_certificate, field), \
		  .type = &type_path, .fallback = ""

static const struct schema_setting certificate_settings[] = {
	{.name = "chain", AT(chain),
	 .help = "A file in PEM: the certificate, and after it those that "
		 "lead to the one that clients have, each signed by the next."},
	{.name = "key", AT(key),
	 .help = "A file in PEM with the private key, which only the master "
		 "has to be able to read. Empty: it is in the file of the "
		 "chain."},
	{.name = "ocsp", AT(ocsp),
	 .help = "A file with an OCSP response in DER, which is stapled to "
		 "handshakes. Empty: none is."},
	{.name = "directory", AT(directory),
	 .help = "In place of the others: a directory, in which each X.pem "
		 "holds a chain and its key, and each X.crt a chain whose key "
		 "is X.key."},
};

static const struct schema_group certificate_group = {
	.title = "tls.certificates[]", .size = sizeof(struct conf_certificate),
	.has_origin = true, .origin = offsetof(struct conf_certificate, origin),
	SCHEMA_ROWS(certificate_settings),
	.help = "Certificates with their keys: RSA, ECDSA or Ed25519. A client "
		"gets the one that has the name it asks for, exactly or by a "
		"star, and whose kind of key it takes; a client that asks for "
		"no name, or for one that none has, gets the first.",
};

#undef AT
#define AT(field) .offset = offsetof(struct conf_tls_client, field)

static const struct schema_setting client_settings[] = {
	{.name = "verify", AT(verify), .type = &type_choice,
	 .fallback = "none", .words = "none|optional|required",
	 .help = "Whether clients are asked for a certificate. One that is "
		 "given has to be valid; \"required\" refuses clients that "
		 "give none."},
	{.name = "ca", AT(ca), .type = &type_path, .fallback = "",
	 .only_if = verifies,
	 .only_if_help = "only for verify = \"optional\" or \"required\"",
	 .help = "A file in PEM with the certificates of those who are trusted "
		 "to sign clients' certificates."},
	{.name = "crl", AT(crl), .type = &type_path, .fallback = "",
	 .only_if = verifies,
	 .only_if_help = "only for verify = \"optional\" or \"required\"",
	 .help = "A file in PEM with lists of certificates that are revoked, of "
		 "all that sign. Empty: none is looked at."},
};

static const struct schema_group client_group = {
	.title = "tls.client", .size = sizeof(struct conf_tls_client),
	SCHEMA_ROWS(client_settings),
	.help = "The certificates of clients.",
};

#undef AT
#define AT(field) .offset = offsetof(struct conf_tls, field)

#define SHARED_SETTINGS \
	{.name = "certificates", AT(certificates), \
	 .also = offsetof(struct conf_tls, n_certificates), \
	 .type = &type_groups, .group = &certificate_group}, \
	{.name = "profile", AT(profile), .type = &type_choice, \
	 .fallback = "intermediate", .words = "intermediate|modern", \
	 .help = "What is chosen where versions and ciphers are not given: " \
		 "TLS 1.2 and 1.3, or TLS 1.3 only."}, \
	{.name = "versions", AT(versions), .type = &type_tls_versions, \
	 .fallback = "TLSv1.2|TLSv1.3", \
	 .fallback_help = "by the profile", \
	 .help = "The versions of TLS."}, \
	{.name = "ciphers", AT(ciphers), .type = &type_tls_ciphers, \
	 .fallback = "", .fallback_help = "by the versions, all that there are", \
	 .help = "The cipher suites, the preferred ones first, by the names of " \
		 "the RFCs or of openssl-ciphers(1). There are those of " \
		 "TLS 1.3 with AES-GCM and ChaCha20-Poly1305, and of TLS 1.2 " \
		 "the same with ECDHE."}, \
	{.name = "curves", AT(curves), .type = &type_tls_curves, \
	 .fallback = "X25519|P-256|P-384", \
	 .help = "The groups for key exchange, the preferred ones first: " \
		 "\"X25519\", \"P-256\", \"P-384\"."}, \
	{.name = "unknown_name", AT(unknown_name), .type = &type_choice, \
	 .fallback = "default", .words = "default|refuse", \
	 .help = "What a client gets that asks for a name which no certificate " \
		 "has: the first certificate, or the alert unrecognized_name."}, \
	{.name = "client", AT(client), .type = &type_group, \
	 .group = &client_group}

static const struct schema_setting tls_settings[] = {SHARED_SETTINGS};

const struct schema_group schema_tls = {
	.title = "tls", .size = sizeof(struct conf_tls),
	.has_origin = true, .origin = offsetof(struct conf_tls, origin),
	SCHEMA_ROWS(tls_settings),
	.help = "The settings of TLS, for all listeners that have it, as described "
		"under TLS above.",
};

static const struct schema_setting listener_settings[] = {
	{.name = "on", AT(on), .type = &type_tls_on, .fallback = "true",
	 .help = "Whether TLS is spoken. \"also\": clients may speak without, "
		 "too; they are told apart by their first byte."},
	SHARED_SETTINGS,
};

const struct schema_group schema_listener_tls = {
	.title = "listeners[].tls", .size = sizeof(struct conf_tls),
	.has_origin = true, .origin = offsetof(struct conf_tls, origin),
	SCHEMA_ROWS(listener_settings),
	.help = "The settings of TLS of one listener. What is not given here is "
		"as in the group tls.",
};
