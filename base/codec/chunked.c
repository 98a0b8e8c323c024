/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The decoder is a state for each place in the coding, and a function for what
 * each octet may be there: step() goes over them octet by octet, except in the
 * data, which is passed on in pieces as it lies. At the end the two ways in, with
 * trailers and without.
 */
#include "base/codec/chunked.h"

#include <stdbool.h>

#include "base/codec/octet.h"

enum {
	DIGITS_MAX = 16,
	/* Octets of chunk lines and trailers beyond the allowance of the
	 * chunks. */
	OVERHEAD_MAX = 16384,
	/* Due to every chunk: its size, a short extension, two CRLF. */
	CHUNK_DUE = 32,
};

/*
 * The line before a chunk has been read. Data earns an allowance for the lines
 * around it, twice their usual size: a sender of small chunks stays within it,
 * one that sends little but extensions does not.
 */
static void begin_data(struct chunked *c)
{
	if (c->left >= OVERHEAD_MAX ||
	    c->overhead <= 2 * (uint32_t)c->left + CHUNK_DUE)
		c->overhead = 0;
	else
		c->overhead -= 2 * (uint32_t)c->left + CHUNK_DUE;
	c->state = CHUNKED_DATA;
}

/* A size is as bounded as a Content-Length, so that it fits an off_t. */
static bool add_digit(struct chunked *c, int digit)
{
	if (digit < 0 || c->digits == DIGITS_MAX)
		return false;
	c->left = c->left << 4 | (unsigned)digit;
	c->digits++;
	c->state = CHUNKED_SIZE_DIGITS;
	return c->left <= INT64_MAX;
}

static bool expect(struct chunked *c, char got, char wanted,
		   enum chunked_state next)
{
	c->state = next;
	return got == wanted;
}

static bool is_blank(char octet)
{
	return octet == ' ' || octet == '\t';
}

/* After the size: an extension or the end of the line. */
static bool after_size(struct chunked *c, char octet)
{
	if (is_blank(octet)) {
		c->state = CHUNKED_SIZE_BLANK;
		return true;
	}
	if (octet == ';') {
		c->state = CHUNKED_EXTENSION;
		return true;
	}
	return octet == '\r' ? expect(c, octet, '\r', CHUNKED_SIZE_LF)
			     : add_digit(c, octet_hex(octet));
}

/* White space before an extension (RFC 9112 section 7.1.1): "BWS", which has
 * to be parsed (RFC 9110 section 5.6.3). Without an extension behind it there
 * is no place for it. */
static bool after_blank(struct chunked *c, char octet)
{
	return is_blank(octet) || expect(c, octet, ';', CHUNKED_EXTENSION);
}

static bool after_size_line(struct chunked *c, char octet)
{
	if (octet != '\n')
		return false;
	if (c->left > 0)
		begin_data(c);
	else
		c->state = CHUNKED_TRAILER_START;
	return true;
}

static bool after_data(struct chunked *c, char octet)
{
	c->left = 0;
	c->digits = 0;
	return expect(c, octet, '\n', CHUNKED_SIZE);
}

/* RFC 9112 section 5: a name is not empty, and a colon follows it at once. */
static bool in_trailer_name(struct chunked *c, char octet)
{
	if (octet == '\r' && c->state == CHUNKED_TRAILER_START)
		return expect(c, octet, '\r', CHUNKED_END_LF);
	if (octet == ':' && c->state == CHUNKED_TRAILER_NAME)
		return expect(c, octet, ':', CHUNKED_TRAILER_VALUE);
	c->state = CHUNKED_TRAILER_NAME;
	return octet_is(octet, OCTET_TOKEN);
}

/* One octet that is not data; false when it is not allowed where it is. */
static bool step(struct chunked *c, char octet)
{
	switch (c->state) {
	case CHUNKED_SIZE:
		return add_digit(c, octet_hex(octet));
	case CHUNKED_SIZE_DIGITS:
		return after_size(c, octet);
	case CHUNKED_SIZE_BLANK:
		return after_blank(c, octet);
	case CHUNKED_EXTENSION:
		return octet_is(octet, OCTET_TEXT) ||
		       expect(c, octet, '\r', CHUNKED_SIZE_LF);
	case CHUNKED_SIZE_LF:
		return after_size_line(c, octet);
	case CHUNKED_DATA_CR:
		return expect(c, octet, '\r', CHUNKED_DATA_LF);
	case CHUNKED_DATA_LF:
		return after_data(c, octet);
	case CHUNKED_TRAILER_START:
	case CHUNKED_TRAILER_NAME:
		return in_trailer_name(c, octet);
	case CHUNKED_TRAILER_VALUE:
		return octet_is(octet, OCTET_TEXT) ||
		       expect(c, octet, '\r', CHUNKED_TRAILER_LF);
	case CHUNKED_TRAILER_LF:
		return expect(c, octet, '\n', CHUNKED_TRAILER_START);
	case CHUNKED_END_LF:
		return expect(c, octet, '\n', CHUNKED_END);
	case CHUNKED_DATA:
	case CHUNKED_END:
	case CHUNKED_STATES:
		break;
	}
	return false;
}

static enum chunked_result take_data(struct chunked *c, struct str *input,
				     struct str *data_out)
{
	size_t n = input->n < c->left ? input->n : (size_t)c->left;

	*data_out = (struct str){input->p, n};
	*input = str_tail(*input, n);
	c->left -= n;
	if (c->left == 0)
		c->state = CHUNKED_DATA_CR;
	return CHUNKED_PIECE;
}

static bool is_in_trailers(const struct chunked *c)
{
	return c->state >= CHUNKED_TRAILER_START && c->state <= CHUNKED_TRAILER_LF;
}

/* The lines of trailers, as far as they have come. CHUNKED_MORE: none have. */
static enum chunked_result take_trailers(struct chunked *c, struct str *input,
					 struct str *text_out)
{
	const char *begin = input->p;

	while (input->n > 0 && is_in_trailers(c)) {
		if (++c->overhead > OVERHEAD_MAX || !step(c, input->p[0]))
			return CHUNKED_BAD;
		*input = str_tail(*input, 1);
	}
	*text_out = (struct str){begin, (size_t)(input->p - begin)};
	if (c->state == CHUNKED_END_LF) /* after the CR of the empty line */
		text_out->n--;
	return text_out->n > 0 ? CHUNKED_TRAILERS : CHUNKED_MORE;
}

enum chunked_result chunked_decode_with_trailers(struct chunked *c,
						 struct str *input, struct str *out)
{
	while (c->state != CHUNKED_END) {
		if (input->n == 0)
			return CHUNKED_MORE;
		if (c->state == CHUNKED_DATA)
			return take_data(c, input, out);
		if (is_in_trailers(c)) {
			enum chunked_result result = take_trailers(c, input, out);

			if (result != CHUNKED_MORE)
				return result;
			continue;
		}
		if (++c->overhead > OVERHEAD_MAX || !step(c, input->p[0]))
			return CHUNKED_BAD;
		*input = str_tail(*input, 1);
	}
	return CHUNKED_DONE;
}

enum chunked_result chunked_decode(struct chunked *c, struct str *input,
				   struct str *data_out)
{
	enum chunked_result result;

	do
		result = chunked_decode_with_trailers(c, input, data_out);
	while (result == CHUNKED_TRAILERS);
	return result;
}
