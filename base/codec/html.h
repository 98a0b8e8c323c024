/* SPDX-License-Identifier: BSD-2-Clause */
/* Text in HTML. Pure. */
#ifndef BASE_CODEC_HTML_H
#define BASE_CODEC_HTML_H

#include "base/buf.h"
#include "base/str.h"

/* The character reference for an octet that must not stand in text or in a
 * quoted attribute value as it is; "" for others. */
struct str html_reference(char c);

/* Adds `s` escaped for text and for quoted attribute values; octets that are
 * not UTF-8 stay as they are. */
void html_put(struct buf *out, struct str s);

#endif
