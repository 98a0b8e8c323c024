/* SPDX-License-Identifier: BSD-2-Clause */
/* Text in HTML. Pure. */
#ifndef BASE_CODEC_HTML_H
#define BASE_CODEC_HTML_H

#include "base/buf.h"
#include "base/str.h"

/* The character reference for an octet that must not stand in text or in a
 * quoted attribute value as it is; "" for others. */
struct str html_reference(char c);

/* Adds `s`, which is then text wherever text or a quoted attribute value may
 * be; what is no UTF-8 stays as it is. */
void html_put(struct buf *out, struct str s);

#endif
