/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The SRV records (RFC 2782) of an answer of the name service (RFC 1035 section
 * 4.1), with the TTL, which the parser of c-ares 1.18 leaves out. Worker.
 */
#ifndef WORKER_UPSTREAM_SRV_ANSWER_H
#define WORKER_UPSTREAM_SRV_ANSWER_H

#include <stddef.h>
#include <stdint.h>

enum {
	SRV_RECORDS = 64,    /* of one name, at most */
	SRV_TARGET_MAX = 256 /* of a host name with its NUL */
};

struct srv_record {
	char target[SRV_TARGET_MAX]; /* a host name without its last dot */
	uint16_t priority;           /* the lowest is asked first */
	uint16_t weight;
	uint16_t port;
};

struct srv_answer {
	struct srv_record records[SRV_RECORDS];
	size_t n;     /* 0: there are none, or the service is not offered */
	uint32_t ttl; /* seconds: the lowest of the answer's records */
};

/* 0, or -1 for what is damaged. Records over SRV_RECORDS, and those whose target
 * is no host name, are left out. */
int srv_answer_parse(const unsigned char *bytes, size_t n,
		     struct srv_answer *answer_out)
	__attribute__((warn_unused_result));

#endif
