/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The format of what moves between processes, which may be of different
 * releases: a connection is frozen into a message by one and thawed out of it
 * by another.
 *
 *     message = magic u32, format u16, returned u16, record*
 *     record  = kind u16, version u16, flags u16, length u32, field*
 *
 * Numbers are little-endian. A field is a number of fixed size, or a string:
 * length u32, bytes. Which fields a record has, in which order, is given by
 * its kind and version alone. The code has it as one table of fields for each
 * kind, from which records are written and read.
 *
 * Rules for changing a record:
 *
 * - What a version of a kind looks like never changes once it was released. A
 *   field that comes or goes, and a value of an enumeration that older readers
 *   do not know, make a new version, which FROZEN_KINDS below says. A field
 *   names the versions that have it.
 * - A record is exactly as long as its version says. There is no room at its
 *   end for fields that an older reader would pass over: a reader cannot know
 *   what it would lose. What may be lost goes into a record of its own, flagged
 *   FROZEN_MAY_SKIP.
 * - The reader's range of versions is known to the writer beforehand, as a
 *   struct frozen_table. The writer takes the newest version that both know,
 *   and every version from `oldest` on can be written and read. What has no
 *   version that both know is not sent.
 * - t/corpus/frozen keeps messages of every release; a test thaws them.
 *
 * Nothing here allocates, locks or calls the system: a signal handler may
 * write messages. Readers trust nothing that they read. Any process.
 */
#ifndef BASE_SHARED_FROZEN_H
#define BASE_SHARED_FROZEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum {
	FROZEN_FORMAT = 1,
	FROZEN_HEADER = 8,         /* bytes of a message before its records */
	FROZEN_RECORD_HEADER = 10, /* and of a record before its fields */
	FROZEN_FDS = 4,            /* descriptors that go with a message */
	FROZEN_NO_FD = 255,        /* in a field that may name one of them */
	FROZEN_TABLE_TEXT = 400,   /* holds frozen_table_format() */
};

/*
 * Every kind: its name, its number, which is for ever, and the oldest and the
 * newest version that this release reads and writes.
 */
#define FROZEN_KINDS(KIND)                                            \
	/* worker/move/pack.c: what is the same for all. */           \
	KIND(CONNECTION, 1, 1, 1)                                     \
	/* Bytes that were read and not consumed. */                  \
	KIND(INPUT, 2, 1, 1)                                          \
	/* Bytes that were written and not sent. */                   \
	KIND(OUTPUT, 3, 1, 1)                                         \
	/* worker/proto/http1/http1_handoff.c: a request's head. */   \
	KIND(HTTP1, 4, 1, 1)                                          \
	/* And its body, as far as it has come. */                    \
	KIND(HTTP1_BODY, 5, 1, 3)                                     \
	/* And the response, as far as it has not gone. */            \
	KIND(HTTP1_SEND, 6, 1, 1)                                     \
	/* worker/http/exchange_frozen.c: of any protocol. */         \
	KIND(EXCHANGE, 7, 1, 1)                                       \
	KIND(EXCHANGE_FIELD, 8, 1, 1)                                 \
	KIND(CONTENT, 9, 1, 1)                                        \
	KIND(CONTENT_PART, 10, 1, 1)                                  \
	/* Whose records come next, for what only a handler knows. */ \
	KIND(EXCHANGE_HANDLER, 11, 1, 1)                              \
	/* worker/handler/proxy/forward_frozen.c */                   \
	KIND(FORWARD, 12, 1, 3)                                       \
	/* worker/http/exchange_frozen.c: for the log. */             \
	KIND(EXCHANGE_UPSTREAM, 13, 1, 1)                             \
	/* worker/move/stored.c: in place of all others. */           \
	KIND(STORED, 14, 1, 1)                                        \
	/* The same: by what it was let in. */                        \
	KIND(EXCHANGE_AUTHORIZED, 20, 1, 1)                           \
	/* worker/move/pack.c: of the PROXY protocol. */              \
	KIND(PROXY_HEADER, 30, 1, 1)                                  \
	KIND(VIA, 31, 1, 1)                                           \
	/* .../forward_queue.c: in place of FORWARD. */               \
	KIND(FORWARD_WAITING, 24, 1, 1)                               \
	/* worker/proto/stream/stream_frozen.c */                     \
	KIND(STREAM, 32, 1, 1)                                        \
	/* worker/tls/tls_transport.c: keys, and what is sealed. */   \
	KIND(TLS, 40, 1, 1)                                           \
	FROZEN_MORE_KINDS(KIND)

/* For a test of this file's own. */
#ifndef FROZEN_MORE_KINDS
#define FROZEN_MORE_KINDS(KIND)
#endif

enum frozen_kind {
#define FROZEN_KIND(name, number, oldest, newest) FROZEN_##name = (number),
	FROZEN_KINDS(FROZEN_KIND)
#undef FROZEN_KIND
		FROZEN_KINDS_END = 64, /* more than the largest number */
};

/* Of a record. */
enum frozen_flag {
	FROZEN_MAY_SKIP = 1, /* for a reader that does not know its kind */
};

enum frozen_result {
	FROZEN_OK,
	FROZEN_ABSENT,  /* reading: no such record comes next */
	FROZEN_DAMAGED, /* reading: not what any release writes */
	FROZEN_FOREIGN, /* there is no version that both sides know */
	FROZEN_FULL,    /* writing: there is no room for it */
};

const char *frozen_result_name(enum frozen_result result);

/* What a process understands. */

struct frozen_range {
	uint16_t oldest, newest; /* 0: it does not know the kind */
};

struct frozen_table {
	struct frozen_range kinds[FROZEN_KINDS_END];
};

/* This program. */
extern const struct frozen_table frozen_ours;

/* One that understands nothing of this format. */
extern const struct frozen_table frozen_nothing;

/* As text for another process, "1 1:1-1 2:1-3": the format, then
 * kind:oldest-newest. Returns `text_out`. */
const char *frozen_table_format(const struct frozen_table *table,
				char text_out[FROZEN_TABLE_TEXT]);

/* Text that is empty, damaged or of another format gives frozen_nothing, kinds
 * that we do not know are passed over. */
void frozen_table_parse(struct frozen_table *table_out, const char *text);

/* What is understood by both. */
void frozen_table_common(struct frozen_table *common_out,
			 const struct frozen_table *a,
			 const struct frozen_table *b);

/* The version in which we write a kind for such readers; 0 for none. */
uint16_t frozen_version(const struct frozen_table *readers, enum frozen_kind kind);

/* The fields of a kind. */

enum frozen_type {
	FROZEN_BOOL, /* one byte, 0 or 1 */
	FROZEN_U8,
	FROZEN_U16,
	FROZEN_U32,
	FROZEN_U64,
	FROZEN_STR, /* points into the message that is read */
};

struct frozen_field {
	uint8_t type; /* enum frozen_type */
	uint16_t offset;
	uint16_t since; /* the first version that has it */
	uint16_t until; /* the last one, 0: the newest has it */
};

/* A member that is there from version `first` on, or up to `last`. What is not
 * there in the version that is read is left as the caller had set it. */
#define FROZEN_FIELD_OF(tag, member, first, last)                         \
	{                                                                 \
		.type = _Generic(((struct tag *)0)->member, bool          \
				 : FROZEN_BOOL, uint8_t                   \
				 : FROZEN_U8, uint16_t                    \
				 : FROZEN_U16, uint32_t                   \
				 : FROZEN_U32, uint64_t                   \
				 : FROZEN_U64, struct str                 \
				 : FROZEN_STR),                           \
		.offset = offsetof(struct tag, member), .since = (first), \
		.until = (last)                                           \
	}
#define FROZEN_FIELD(tag, member) FROZEN_FIELD_OF(tag, member, 1, 0)

struct frozen_layout {
	uint16_t kind;  /* enum frozen_kind */
	uint16_t flags; /* enum frozen_flag */
	uint16_t n_fields;
	const struct frozen_field *fields;
};

/* A static table of fields as a layout. */
#define FROZEN_LAYOUT(of_kind, of_fields)                               \
	{                                                               \
		.kind = (of_kind),                                      \
		.n_fields = sizeof(of_fields) / sizeof((of_fields)[0]), \
		.fields = (of_fields)                                   \
	}

/* One that a reader may do without. */
#define FROZEN_LAYOUT_TO_SKIP(of_kind, of_fields)                       \
	{                                                               \
		.kind = (of_kind), .flags = FROZEN_MAY_SKIP,            \
		.n_fields = sizeof(of_fields) / sizeof((of_fields)[0]), \
		.fields = (of_fields)                                   \
	}

/* Writing. The first thing that goes wrong is kept in `result`; what is put
 * after it changes nothing. */

struct frozen_writer {
	const struct frozen_table *readers;
	enum frozen_result result;
	char *bytes;
	size_t room, n;
	int fds[FROZEN_FDS]; /* borrowed */
	size_t n_fds;
};

/* Begins a message in `bytes`, for those who read as `readers` says. */
void frozen_begin(struct frozen_writer *writer, char *bytes, size_t room,
		  const struct frozen_table *readers);

/* Adds a record: the fields of `object`. One that may be skipped, and that the
 * readers do not know, is left out. */
void frozen_put(struct frozen_writer *writer, const struct frozen_layout *layout,
		const void *object);

/* Adds a descriptor, which stays the caller's; its number, for a field. */
uint8_t frozen_put_fd(struct frozen_writer *writer, int fd);

/* Reading. */

struct frozen_reader {
	struct str rest; /* records that were not read yet */
	uint16_t returned;
	int fds[FROZEN_FDS]; /* ours until they are taken; -1 */
	size_t n_fds;
};

/*
 * Begins to read a message, and takes its descriptors over, whatever comes.
 * FROZEN_OK: all its records are whole, and each is one that we know or may
 * skip. FROZEN_FOREIGN: it is well-formed, but for others.
 */
enum frozen_result frozen_open(struct frozen_reader *reader, struct str message,
			       const int *fds, size_t n_fds)
	__attribute__((warn_unused_result));

/* The message goes on with `message`, whose descriptors are those that it
 * has. Results as above. */
enum frozen_result frozen_go_on(struct frozen_reader *reader, struct str message)
	__attribute__((warn_unused_result));

/* The kind of the record that comes next, 0 at the end. */
uint16_t frozen_next(const struct frozen_reader *reader);

/* Reads the next record into `object` if it is of that kind. FROZEN_ABSENT:
 * it is not; FROZEN_DAMAGED: its fields are not what they should be. */
enum frozen_result frozen_get(struct frozen_reader *reader,
			      const struct frozen_layout *layout, void *object)
	__attribute__((warn_unused_result));

/* Takes a descriptor by its number: it is the caller's. -1 for one that is not
 * there, or taken. */
int frozen_get_fd(struct frozen_reader *reader, uint8_t number);

/* Closes the descriptors that nobody took. */
void frozen_close(struct frozen_reader *reader);

/* How many times receivers have sent the message on, for others. In the message
 * itself, which is FROZEN_HEADER long at least. */
void frozen_set_returned(char *message, uint16_t returned);

#endif
